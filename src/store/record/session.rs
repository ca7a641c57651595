//! Records of private sessions, and of who bought what.

use weir_session::{Pass, Renewal, Session};

use super::Record;

/// What replicates a session is what is stored of it.
impl Record for Session {
    const VERSION: u8 = 1;
}

impl Record for Pass {
    const VERSION: u8 = 1;
}

impl Record for Renewal {
    const VERSION: u8 = 1;
}
