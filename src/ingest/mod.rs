//! L4. Publishers: one folder per protocol.
