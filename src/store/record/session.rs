//! Records of private sessions.

use weir_session::Session;

use super::Record;

/// What replicates a session is what is stored of it.
impl Record for Session {
    const VERSION: u8 = 1;
}
