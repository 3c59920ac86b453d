//! From `memguard.toml` and the flags to a plan that can't be wrong.

mod baseline;
mod file;
mod flags;
mod import;
pub mod keys;
mod layers;
mod limits;
mod load;
mod logs;
mod mistakes;
mod node;
mod plan;
mod platforms;
mod read;
mod ready;
mod record;
mod said;
mod schema;
mod shard;
mod sources;
mod workload;

pub use file::DEFAULT_FILE;
pub use import::{Import, plan_import};
pub use load::{plan_accept, plan_baseline, plan_check, plan_compare, plan_run};
pub use mistakes::{Mistake, Mistakes};
pub use plan::{Judging, JudgingPlan, Plan, RecordPlan, Target, WorkloadPlan};
pub use platforms::platforms;
pub use ready::name_fault;
pub use record::plan_record;
pub use schema::schema;
pub use sources::{Place, Sources};
