//! Runs in a control group of their own, of version 1. `.ci/cgroup-v2` tests version 2 in a virtual machine.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;
mod needs_cgroup_v1;
