//! How much of everything there may be, each with its reason.

/// Nodes of one cluster, and so the others that a node's link has room for. Everybody is linked with everybody: two
/// connections with each. A larger audience gets another cell or a CDN.
pub const NODES_MAX: usize = 512;

/// Nodes that were removed and are remembered by name, so that the refusal of their certificates can say why.
/// A forgotten one is still refused, as unknown.
pub const REMOVED_MAX: usize = 1024;

/// Keys of one node that are on record: the one it shows, the next one, and the one before.
pub const NODE_KEYS_MAX: usize = 3;

/// Voters. Each write waits for most of them, and seven survive the loss of three.
pub const VOTERS_MAX: usize = 7;

/// Base URLs of one kind that a node announces: IPv4, IPv6, a name, each plain and with TLS.
pub const URLS_MAX: usize = 8;

/// Characters of a name, label, address or URL of a node.
pub const TEXT_MAX: usize = 200;

/// Labels of one node.
pub const LABELS_MAX: usize = 16;

/// Leases held at once: ten actors for each of the 10,000 channels of a cell.
pub const LEASES_MAX: usize = 100_000;

/// Actors that lost their node and are remembered until somebody takes over. As many as leases, because one
/// large node may hold most of them; beyond it the oldest loss is forgotten, which no rule depends on.
pub const VACANCIES_MAX: usize = LEASES_MAX;

/// Placement rules; each is looked at for each decision.
pub const RULES_MAX: usize = 1000;

/// Moves of one plan: what a person can still read. The next plan goes on from there.
pub const MOVES_MAX: usize = 500;

/// Copies of a stream that may be asked for; more would be a second audience.
pub const REPLICAS_MAX: usize = 7;

/// Hops from the origin to a leaf. Each adds up to 10 ms; five levels of eight children reach every node.
pub const HOPS_MAX: usize = 5;

/// Viewings known at once, in all of the cluster: about 200 bytes each.
pub const VIEWINGS_MAX: usize = 500_000;

/// Viewings in one report, so that its JSON stays below a link request's 1 MiB.
pub const SEATS_PER_REPORT_MAX: usize = 4000;

/// Parts of a full report: a node's 20,000 viewings and as many again.
pub const PARTS_MAX: u32 = 16;

/// Kicks in force at once. Each ends by itself; beyond it the one that ends first is dropped.
pub const KICKS_MAX: usize = 20_000;
