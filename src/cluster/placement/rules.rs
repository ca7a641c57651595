//! Operators' rules: what is pinned to some nodes, and what is forbidden on others. Configuration, so plain data.

use weir_model::{ActorId, ActorKind, NodeId};

use crate::limits::{RULES_MAX, TEXT_MAX};
use crate::members::Member;

/// Nodes that a rule means.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Where {
    /// One node.
    Node(NodeId),
    /// Every node with this label.
    Label {
        /// Its key.
        key: String,
        /// Its value.
        value: String,
    },
}

impl Where {
    fn means(&self, member: &Member) -> bool {
        match self {
            Self::Node(id) => member.id == *id,
            Self::Label { key, value } => member.profile.labels.get(key) == Some(value),
        }
    }
}

/// What a rule does with the actors it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// They run there and nowhere else; when none of those nodes can, they wait.
    Pin,
    /// They never run there.
    Forbid,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rule {
    /// Its name, as shown where it decides.
    pub name: String,
    /// Kinds it is about; all when none.
    #[serde(default)]
    pub kind: Option<ActorKind>,
    /// Keys it is about: one key, or a beginning followed by `*`.
    pub key: String,
    /// Where.
    pub nodes: Where,
    /// What.
    pub effect: Effect,
}

impl Rule {
    fn is_about(&self, actor: &ActorId) -> bool {
        let key = match self.key.strip_suffix('*') {
            Some(beginning) => actor.key.as_str().starts_with(beginning),
            None => actor.key.as_str() == self.key,
        };
        key && self.kind.is_none_or(|kind| kind == actor.kind)
    }
}

/// Why rules are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RulesRefusal {
    /// More than [`RULES_MAX`].
    #[error("there are more than 1000 placement rules; use labels to say the same with fewer")]
    TooMany,
    /// A text is longer than [`TEXT_MAX`], or a name is empty.
    #[error("a placement rule needs a name, and its texts have at most 200 characters")]
    Text,
}

/// All rules. For one actor the first pin counts, and every forbid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Takes a configuration's rules, in their order.
    ///
    /// # Errors
    /// When there are too many, or one cannot be shown.
    pub fn new(rules: Vec<Rule>) -> Result<Self, RulesRefusal> {
        if rules.len() > RULES_MAX {
            return Err(RulesRefusal::TooMany);
        }
        let long = |text: &str| text.chars().count() > TEXT_MAX;
        let wrong = |rule: &Rule| rule.name.is_empty() || long(&rule.name) || long(&rule.key);
        if rules.iter().any(wrong) { Err(RulesRefusal::Text) } else { Ok(Self(rules)) }
    }

    /// The rules in their order.
    #[must_use]
    pub fn list(&self) -> &[Rule] {
        &self.0
    }

    /// The rule that pins an actor.
    #[must_use]
    pub fn pin(&self, actor: &ActorId) -> Option<&Rule> {
        self.about(actor).find(|rule| rule.effect == Effect::Pin)
    }

    /// Why the rules keep an actor off a node.
    pub(super) fn bar(&self, actor: &ActorId, member: &Member) -> Option<String> {
        let forbids = |rule: &&Rule| rule.effect == Effect::Forbid && rule.nodes.means(member);
        if let Some(rule) = self.about(actor).find(forbids) {
            return Some(format!("rule `{}` forbids it here", rule.name));
        }
        let name = &self.pin(actor)?.name;
        // A rule about several nodes is written as several rules of one name, or as one about a label.
        let mut same = self.about(actor).filter(|rule| rule.name == *name);
        let allowed = same.any(|rule| rule.effect == Effect::Pin && rule.nodes.means(member));
        (!allowed).then(|| format!("rule `{name}` pins it elsewhere"))
    }

    fn about(&self, actor: &ActorId) -> impl Iterator<Item = &Rule> {
        self.0.iter().filter(move |rule| rule.is_about(actor))
    }
}
