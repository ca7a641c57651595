//! A state in pages: what changed of it since it was last written, and the state that was written.
//!
//! Whoever keeps pages keeps the newest of each name. Together with a [`Core`] they are the state at one moment; what is
//! derived from its rows is made anew.

use std::sync::Arc;

use crate::account::{Account, Balance};
use crate::record::{Head, Unreadable};
use crate::request::Provider;
use crate::row::{
    Charge, ChargeId, Dispute, DueId, Event, Founding, Heard, Hold, HoldId, Id, Lot, MemberId,
    Membership, Payout, Policy, Repayment, Report, SeatId, Told,
};
use crate::state::{AskedId, Seen, State};
use crate::table::Page;

/// Names a page: a table and a place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId {
    /// Which table.
    pub table: u8,
    /// Which page of it, counted from 0.
    pub number: u32,
}

/// What a state has beside its tables.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Core {
    version: u16,
    head: Head,
    founding: Option<Founding>,
    policy: Policy,
    newest_act: u64,
    /// Rows of each table, in the order of their numbers.
    rows: Vec<u64>,
}

/// The form of pages and core; of others nothing is read.
const VERSION: u16 = 1;

impl Core {
    /// Where the ledger stood.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }
}

/// Calls a macro with every table: its number, which never changes, its field of [`State`], its keys and its rows.
macro_rules! tables {
    ($with:ident) => {
        $with! {
            0 balances: Account => Balance,
            1 lots: Id => Lot,
            2 holds: HoldId => Hold,
            3 charges: ChargeId => Charge,
            4 dues: DueId => u64,
            5 events: Id => Event,
            6 seats: SeatId => u32,
            7 members: MemberId => Membership,
            8 payouts: Id => Payout,
            9 repayments: Id => Repayment,
            10 disputes: Id => Dispute,
            11 writeoffs: HoldId => u64,
            12 corrected: u64 => u64,
            13 moved: () => u64,
            14 seen: AskedId => Seen,
            15 heard: Id => Heard,
            16 settled: Id => u64,
            17 reports: Provider => Report,
            18 told: Id => Told,
        }
    };
}

macro_rules! changes {
    ($($number:literal $name:ident: $key:ty => $row:ty),* $(,)?) => {
        /// What changed of a state since that was asked last, as it was at one moment.
        #[derive(Debug)]
        pub struct Changes {
            core: Core,
            $($name: Vec<(u32, Arc<Page<$key, $row>>)>),*
        }

        impl State {
            /// What changed since this was asked last. Takes a moment for each page that did, and copies none.
            pub fn take_changes(&mut self) -> Changes {
                let rows = vec![$(self.$name.len() as u64),*];
                let core = Core {
                    version: VERSION,
                    head: *self.head(),
                    founding: self.founding().cloned(),
                    policy: self.policy,
                    newest_act: self.newest_act,
                    rows,
                };
                Changes { core, $($name: self.$name.take_changed()),* }
            }

            fn forget_changes(&mut self) {
                $(self.$name.forget_changes();)*
            }

            /// Whether each table has the rows that it had.
            fn has_rows_of(&self, core: &Core) -> bool {
                core.rows == [$(self.$name.len() as u64),*]
            }
        }

        impl Changes {
            /// What the state has beside its pages.
            #[must_use]
            pub const fn core(&self) -> &Core {
                &self.core
            }

            /// How many pages changed.
            #[must_use]
            pub fn len(&self) -> usize {
                0 $(+ self.$name.len())*
            }

            /// Whether none did.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Shows the bytes of each page to `put`, until it wants no more.
            ///
            /// # Errors
            /// When a page cannot be written, which no state brings about.
            pub fn each(
                &self,
                put: &mut dyn FnMut(PageId, Vec<u8>) -> bool,
            ) -> Result<(), Unreadable> {
                $(for (number, page) in &self.$name {
                    let bytes = postcard::to_allocvec(page.as_slice());
                    let bytes = bytes.map_err(|error| Unreadable(error.to_string()))?;
                    if !put(PageId { table: $number, number: *number }, bytes) {
                        return Ok(());
                    }
                })*
                Ok(())
            }
        }
    };
}

tables!(changes);

mod load;

pub use load::Loader;
