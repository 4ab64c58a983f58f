//! Tailscale's API, version 2 (`publicapi/device.md`).

use async_trait::async_trait;
use ipnet::IpNet;
use jiff::Timestamp;
use provider_api::{NodeId, Result};
use serde::Deserialize;

use super::http::Http;
use super::{ControlApi, ControlNode, moment};
use crate::route_stage::ControlRoutes;

pub(super) struct Tailscale(pub(super) Http);

#[async_trait]
impl ControlApi for Tailscale {
    /// `-` is the tailnet of the key. Routes come with `fields=all` alone.
    async fn nodes(&self) -> Result<Vec<ControlNode>> {
        let answer: Answer = self.0.read("api/v2/tailnet/-/devices?fields=all").await?;
        Ok(answer.devices.into_iter().map(ControlNode::from).collect())
    }
}

#[derive(Deserialize)]
struct Answer {
    devices: Vec<Device>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Device {
    node_id: String,
    node_key: String,
    name: String,
    connected_to_control: Option<bool>,
    #[serde(default)]
    key_expiry_disabled: bool,
    is_ephemeral: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    expires: Option<Timestamp>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    advertised_routes: Vec<IpNet>,
    #[serde(default)]
    enabled_routes: Vec<IpNet>,
}

impl From<Device> for ControlNode {
    fn from(device: Device) -> Self {
        let label = device.name.split('.').next().unwrap_or_default();
        ControlNode {
            id: NodeId::new(device.node_id),
            name: label.to_owned(),
            key: device.node_key,
            tags: device.tags,
            online: device.connected_to_control,
            expires: moment(device.expires.filter(|_| !device.key_expiry_disabled)),
            ephemeral: device.is_ephemeral,
            routes: ControlRoutes {
                advertised: device.advertised_routes,
                approved: device.enabled_routes,
                served: None,
            },
        }
    }
}

/// Devices shared into the tailnet come with an empty text.
fn lenient<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(input)?.unwrap_or_default();
    Ok(text.parse().ok())
}
