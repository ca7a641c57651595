//! Ten thousand streams: moving and drawing look only at what is seen.

use std::cell::Cell;
use std::cmp::Ordering;

use super::list::{List, Move, Row};
use crate::app::App;
use crate::conn::{Detail, Snapshot, Update};
use crate::fixture;
use crate::theme::Theme;

const MANY: usize = 10_000;
const HEIGHT: usize = 20;

thread_local! {
    static LOOKED_AT: Cell<usize> = const { Cell::new(0) };
}

struct Counted(usize);

impl Row for Counted {
    const COLUMNS: &'static [&'static str] = &["N"];
    const FIELDS: weir_client::filter::fields::Fields = &[];
    fn id(&self) -> String {
        LOOKED_AT.set(LOOKED_AT.get() + 1);
        self.0.to_string()
    }
    fn text(&self) -> String {
        LOOKED_AT.set(LOOKED_AT.get() + 1);
        self.0.to_string()
    }
    fn json(&self) -> serde_json::Value {
        LOOKED_AT.set(LOOKED_AT.get() + 1);
        self.0.into()
    }
    fn compare(&self, other: &Self, _: usize) -> Ordering {
        LOOKED_AT.set(LOOKED_AT.get() + 1);
        self.0.cmp(&other.0)
    }
}

#[test]
fn a_step_looks_at_one_row_and_a_frame_at_one_page() {
    let rows: Vec<Counted> = (0..MANY).map(Counted).collect();
    let mut list = List::default();
    list.arrange(&rows, fixture::NOW);
    LOOKED_AT.set(0);
    let mut drawn = 0;
    for step in [Move::By(1), Move::Pages(1), Move::Last, Move::By(-1), Move::First] {
        list.go(step, &rows);
        let page = list.window(HEIGHT).count();
        assert!(page <= HEIGHT);
        drawn += page;
    }
    assert_eq!(drawn, 5 * HEIGHT);
    assert_eq!(LOOKED_AT.get(), 5);
}

#[test]
fn a_frame_of_ten_thousand_streams_asks_for_the_visible_rows_only() {
    let mut app = App::new(Theme::plain());
    let one = fixture::stream("s");
    let streams = (0..MANY).map(|n| {
        let mut stream = one.clone();
        stream.channel = fixture::name(&format!("s{n:05}"));
        stream
    });
    let snapshot = Snapshot {
        status: fixture::recording().status,
        streams: streams.collect(),
        findings: Vec::new(),
        detail: Detail::None,
    };
    app.update(Update::Seen(Box::new(snapshot)));
    app.state.go(Move::Last);
    let asked = Cell::new(0);
    let area = ratatui::layout::Rect::new(0, 0, 80, 24);
    let mut frame = ratatui::buffer::Buffer::empty(area);
    let mut paint = crate::view::paint::Paint::new(&mut frame, area, app.theme);
    let columns = [crate::view::table::wide("CHANNEL", 10)];
    crate::view::table::draw::<weir_model::StreamInfo>(
        &mut paint,
        &app.state.lists.streams,
        &columns,
        |_| {
            asked.set(asked.get() + 1);
            Vec::new()
        },
    );
    assert_eq!(asked.get(), 23);
    crate::view::render(&mut frame, area, &app.state, app.theme);
    assert!(crate::still::text(&frame).contains("s09999"));
}
