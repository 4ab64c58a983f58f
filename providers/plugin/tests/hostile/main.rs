//! What a plugin can do to its host: nothing that outlasts the call, and nothing unsaid.

mod crashes;
mod floods;
mod hangs;
mod lies;
mod scripts;
mod surroundings;
