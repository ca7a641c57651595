//! What we promise, one file per promise. Every test starts its own node, so none can disturb another.

mod approved;
mod audience;
mod balanced;
mod bought;
mod checked;
mod cluster;
mod codecs;
mod command_line;
mod delivered;
#[cfg(feature = "fault")]
mod disks;
#[cfg(feature = "fault")]
mod drained;
mod hostile;
mod keys;
mod money;
mod observed;
mod orphaned;
mod paid;
#[cfg(feature = "fault")]
mod partitioned;
mod passed_on;
mod people;
#[cfg(feature = "fault")]
mod power;
mod private;
mod provider;
mod published;
mod recovered;
mod restarted;
mod shows;
mod stalls;
mod survived;
mod viewings;
