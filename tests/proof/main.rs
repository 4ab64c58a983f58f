//! The proof, between two hosts that are network namespaces joined by a veth pair.

#[cfg(test)]
mod canary;
#[cfg(test)]
mod causes;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod masquerade;
#[cfg(test)]
mod responder;
