//! Whose turn it is to be asked, where a cluster has more nodes than are asked at once.

use provider_api::Peer;

use crate::proof::{PeerVerdict, Verdict};

/// How many peers are asked at once: enough to prove, and a bound on what a probe costs.
const MOST_PEERS: usize = 16;
/// So many of them are those that answered last time; the others take turns.
const MOST_KNOWN: usize = MOST_PEERS / 2;

/// The online nodes to ask, and after them the offline ones to tell of: first who answered last
/// time, then, by name, who comes after those that did not.
pub(super) fn turn(nodes: Vec<Peer>, last: Option<&Verdict>) -> Vec<Peer> {
    let (mut online, mut offline): (Vec<Peer>, Vec<Peer>) =
        nodes.into_iter().partition(|peer| peer.online);
    online.sort_by(|one, other| one.name.cmp(&other.name));
    offline.sort_by(|one, other| one.name.cmp(&other.name));
    let asked = || last.iter().flat_map(|verdict| &verdict.peers);
    let answered = |peer: &Peer| asked().any(|seen| seen.id == peer.id && has_answered(seen));
    let (mut known, mut others): (Vec<Peer>, Vec<Peer>) = online.into_iter().partition(answered);
    let latest = asked().filter(|seen| !has_answered(seen)).map(|seen| seen.name.as_str()).max();
    let next = others.iter().position(|peer| Some(peer.name.as_str()) > latest);
    others.rotate_left(next.unwrap_or(0));
    let more = known.split_off(known.len().min(MOST_KNOWN));
    let online = known.into_iter().chain(others).chain(more).take(MOST_PEERS);
    online.chain(offline.into_iter().take(MOST_PEERS)).collect()
}

fn has_answered(peer: &PeerVerdict) -> bool {
    peer.crossings.iter().any(|crossing| crossing.crossed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::host::example;
    use crate::proof::{Between, Crossing, Kin, Outcome};
    use provider_api::NodeId;

    fn peer(number: usize) -> Peer {
        let id = NodeId::new(number.to_string());
        Peer { id, ..example::peer(&format!("node-{number:03}")) }
    }

    /// What asking these came to, where only the nodes of these numbers answer.
    fn verdict(asked: &[Peer], answer: &[usize]) -> Verdict {
        let crossing = |crossed| Crossing {
            source: "10.42.0.2".parse().unwrap(),
            source_kept: None,
            canary: "10.42.1.2".parse().unwrap(),
            round_trip: None,
            largest: None,
            crossed,
            quality: None,
        };
        let answers =
            |peer: &Peer| answer.iter().any(|number| peer.id.as_str() == number.to_string());
        let seen = |peer: &Peer| PeerVerdict {
            id: peer.id.clone(),
            name: peer.name.clone(),
            kin: Kin::Unknown,
            crossings: vec![crossing(answers(peer))],
        };
        Verdict {
            outcome: Outcome::Unproven,
            between: Between::Pods,
            peers: asked.iter().map(seen).collect(),
            findings: vec![],
        }
    }

    #[test]
    fn everybody_is_asked_in_turn() {
        let nodes: Vec<Peer> = (0..50).map(peer).collect();
        let mut asked = turn(nodes.clone(), None);
        let mut all = BTreeSet::new();
        for _ in 0..4 {
            assert_eq!(asked.len(), MOST_PEERS);
            all.extend(asked.iter().map(|peer| peer.name.clone()));
            asked = turn(nodes.clone(), Some(&verdict(&asked, &[])));
        }
        assert_eq!(all.len(), nodes.len());
    }

    #[test]
    fn who_answered_last_time_is_asked_first_and_leaves_room_for_others() {
        let nodes: Vec<Peer> = (0..50).map(peer).collect();
        let answer: Vec<usize> = (5..16).collect();
        let last = verdict(&turn(nodes.clone(), None), &answer);
        let asked = turn(nodes, Some(&last));
        let number = |peer: &Peer| peer.id.as_str().parse::<usize>().unwrap();
        let numbers: Vec<usize> = asked.iter().map(number).collect();
        assert_eq!(numbers[..MOST_KNOWN], answer[..MOST_KNOWN]);
        assert_eq!(numbers.len(), MOST_PEERS);
        assert!(numbers[MOST_KNOWN..].iter().any(|number| *number >= 16), "{numbers:?}");
    }

    #[test]
    fn the_offline_ones_come_last() {
        let mut nodes: Vec<Peer> = (0..3).map(peer).collect();
        nodes[0].online = false;
        let names: Vec<String> = turn(nodes, None).into_iter().map(|peer| peer.name).collect();
        assert_eq!(names, ["node-001", "node-002", "node-000"]);
    }
}
