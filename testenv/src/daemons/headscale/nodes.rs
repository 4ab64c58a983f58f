//! Nodes and their routes.

use ipnet::IpNet;
use serde::Deserialize;

use super::Headscale;

/// A node, as `headscale nodes list` shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Node {
    /// The server's number of it.
    pub id: u64,
    /// The name it has in the network.
    pub given_name: String,
    /// Its addresses there.
    #[serde(default)]
    pub ip_addresses: Vec<String>,
    /// Whether the server holds a connection from it.
    #[serde(default)]
    pub online: bool,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What it advertises.
    #[serde(default)]
    pub available_routes: Vec<IpNet>,
    /// What was approved of that, and of what it advertised before.
    #[serde(default)]
    pub approved_routes: Vec<IpNet>,
    /// What it serves.
    #[serde(default)]
    pub subnet_routes: Vec<IpNet>,
}

impl Headscale {
    /// All nodes.
    ///
    /// # Panics
    /// Where headscale's answer is not understood.
    pub fn nodes(&self) -> Vec<Node> {
        let listing = self.admin(&["nodes", "list"]);
        let nodes: Result<Option<Vec<Node>>, _> = serde_json::from_value(listing.clone());
        // No nodes at all are printed as `null`.
        nodes.unwrap_or_else(|error| panic!("{error}: {listing}")).unwrap_or_default()
    }

    /// The node of this name.
    ///
    /// # Panics
    /// Where there is none.
    pub fn node(&self, name: &str) -> Node {
        let nodes = self.nodes();
        nodes
            .iter()
            .find(|node| node.given_name == name)
            .unwrap_or_else(|| panic!("no node {name}: {nodes:?}"))
            .clone()
    }

    /// Approves these routes of a node, and no others.
    pub fn approve(&self, node: &str, routes: &str) {
        self.admin(&["nodes", "approve-routes", "-i", &self.id(node), "-r", routes]);
    }

    /// Deletes a node.
    pub fn delete_node(&self, node: &str) {
        self.admin(&["nodes", "delete", "--force", "-i", &self.id(node)]);
    }

    /// Lets a node's login expire.
    pub fn expire_node(&self, node: &str) {
        self.admin(&["nodes", "expire", "-i", &self.id(node)]);
    }

    /// Gives a node another name.
    pub fn rename_node(&self, node: &str, name: &str) {
        self.admin(&["nodes", "rename", "-i", &self.id(node), name]);
    }

    fn id(&self, node: &str) -> String {
        self.node(node).id.to_string()
    }
}
