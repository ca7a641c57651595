//! L5. Configuration, assembly, stop, metrics, logs.
