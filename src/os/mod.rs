//! What differs between operating systems, behind one trait: reading the memory of a tree of processes.
//!
//! The only place that asks which system this is.
