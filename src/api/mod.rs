//! L4. The operators' HTTP API, one file per noun.
