//! L4. Viewers: HTTP, HLS, the watch page and the gate.
