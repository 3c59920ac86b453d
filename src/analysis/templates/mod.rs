//! Lines that one statement of a program printed share a template: what varies from one to the next is left out.
//!
//! Two steps, in the manner of the log parser Drain (fixed depth, online), but slower to join: numbers, times, paths
//! and their like are masked in each line by itself ([`mask`]), and templates that then differ in one word alone are
//! joined once twenty of them stand side by side. Two or three that differ in a word (`cache hit`, `cache miss`) are
//! different statements, and tell more apart than together.

mod mask;
mod spans;

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

/// So many templates that differ in one word alone are one.
const JOINED: u32 = 20;
/// So many templates are held at a time: with more, those with the fewest lines are held as [`OTHERS`].
const MOST: usize = 2048;
/// The words of a template that are compared: what comes later counts as part of the last.
const WORDS: usize = 64;
/// Longer templates are not searched for two words that vary together.
const PAIRS_UP_TO: usize = 12;
/// Searches for such pairs that find nothing, after which they are given up.
const PATIENCE: u32 = 8;
/// So many characters of a template's first line are kept.
const EXAMPLE: usize = 200;
/// In place of a word that varies.
const ANY: &str = "<*>";

/// Names a template. After more lines it may have been joined with another: [`Templates::resolve`].
pub(super) type TemplateId = u32;

/// All lines whose templates were given up.
pub(super) const OTHERS: TemplateId = 0;

/// What lines of one kind have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    /// `processing batch <n>`
    pub(super) text: String,
    /// The first of its lines.
    pub(super) example: String,
    /// How many there were.
    pub(super) lines: u64,
    /// The positions of `<*>`, one bit each.
    wild: u64,
}

/// Sorts lines into templates as they pass, in bounded memory (4 bytes for each template that ever was, besides).
#[derive(Debug)]
pub(super) struct Templates {
    held: BTreeMap<TemplateId, Template>,
    /// What each template is now: itself, the one that it was joined with, or [`OTHERS`].
    alias: Vec<TemplateId>,
    by_hash: HashMap<u64, TemplateId>,
    /// How many templates there were that are the same but for one word.
    families: HashMap<u64, u32>,
    /// The positions of `<*>` that occur, by the number of words.
    shapes: HashMap<usize, Vec<u64>>,
    pairs_sought_in_vain: u32,
    gave_up: bool,
    lines: u64,
    masked: String,
    hashes: Vec<u64>,
}

impl Default for Templates {
    fn default() -> Self {
        Self {
            held: BTreeMap::new(),
            alias: vec![OTHERS],
            by_hash: HashMap::new(),
            families: HashMap::new(),
            shapes: HashMap::new(),
            pairs_sought_in_vain: 0,
            gave_up: false,
            lines: 0,
            masked: String::new(),
            hashes: Vec::new(),
        }
    }
}

impl Templates {
    /// Takes a line and names its template.
    pub(super) fn take(&mut self, line: &str) -> TemplateId {
        self.lines += 1;
        let mut masked = std::mem::take(&mut self.masked);
        mask::mask(line, &mut masked);
        let mut known = self.known(&masked);
        if known.is_none() && self.held.len() >= MOST {
            self.make_room();
            known = self.known(&masked);
        }
        let id = known.unwrap_or_else(|| {
            let example = line.chars().take(EXAMPLE).collect();
            self.add(Template { text: masked.clone(), example, lines: 0, wild: 0 })
        });
        self.masked = masked;
        let id = self.resolve(id);
        if let Some(template) = self.held.get_mut(&id) {
            template.lines += 1;
        }
        id
    }

    /// What a template has become.
    pub(super) fn resolve(&self, mut id: TemplateId) -> TemplateId {
        while let Some(next) = self.alias.get(id as usize).filter(|next| **next != id) {
            id = *next;
        }
        id
    }

    /// The templates that were neither joined nor given up, by their names.
    pub(super) fn held(&self) -> impl Iterator<Item = (TemplateId, &Template)> {
        self.held.iter().map(|(id, template)| (*id, template))
    }

    /// How many templates there are; None where some were given up, since lines of theirs may have come again.
    pub(super) fn count(&self) -> Option<u64> {
        (!self.gave_up).then_some(self.held.len() as u64)
    }

    /// All lines, those of the templates that were given up included.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    fn known(&mut self, masked: &str) -> Option<TemplateId> {
        let mut hashes = std::mem::take(&mut self.hashes);
        let whole = word_hashes(masked, &mut hashes);
        let found = self.by_hash.get(&whole).or_else(|| {
            let shapes = self.shapes.get(&hashes.len())?;
            shapes.iter().find_map(|wild| self.by_hash.get(&blanked(whole, &hashes, *wild)))
        });
        let found = found.copied();
        self.hashes = hashes;
        found
    }

    fn add(&mut self, template: Template) -> TemplateId {
        let id = TemplateId::try_from(self.alias.len()).unwrap_or(OTHERS);
        if id == OTHERS {
            return OTHERS;
        }
        self.alias.push(id);
        let mut hashes = Vec::new();
        let whole = word_hashes(&template.text, &mut hashes);
        let wild = template.wild;
        self.by_hash.insert(blanked(whole, &hashes, wild), id);
        self.held.insert(id, template);
        for position in (0..hashes.len()).filter(|position| wild & bit(*position) == 0) {
            let family = self.families.entry(blanked(whole, &hashes, wild | bit(position))).or_default();
            *family += 1;
            if *family >= JOINED
                && let Some(joined) = self.join(id, wild | bit(position), 1)
            {
                return joined;
            }
        }
        id
    }

    /// Joins all templates that are the same as this one but for the words at these positions, if they are so many.
    fn join(&mut self, id: TemplateId, wild: u64, least: usize) -> Option<TemplateId> {
        let text = pattern(&self.held.get(&id)?.text, wild)?;
        let words = text.split(' ').count();
        let alike = |template: &Template| {
            template.wild & !wild == 0 && pattern(&template.text, wild).as_deref() == Some(text.as_str())
        };
        let members: Vec<TemplateId> =
            self.held.iter().filter(|(_, template)| alike(template)).map(|(id, _)| *id).collect();
        if members.len() < least {
            return None;
        }
        let mut joined = Template { text, example: String::new(), lines: 0, wild };
        let next = TemplateId::try_from(self.alias.len()).ok()?;
        for member in members {
            let Some(template) = self.forget(member, next) else { continue };
            joined.lines += template.lines;
            if joined.example.is_empty() {
                joined.example = template.example;
            }
        }
        let shapes = self.shapes.entry(words.min(WORDS)).or_default();
        if !shapes.contains(&wild) {
            shapes.push(wild);
        }
        Some(self.add(joined))
    }

    /// Takes a template out of those that are held; `heir` is what it is from now on.
    fn forget(&mut self, id: TemplateId, heir: TemplateId) -> Option<Template> {
        let template = self.held.remove(&id)?;
        let mut hashes = Vec::new();
        let whole = word_hashes(&template.text, &mut hashes);
        self.by_hash.remove(&blanked(whole, &hashes, template.wild));
        self.alias[id as usize] = heir;
        Some(template)
    }

    /// Joins what differs in two words, then gives up those with the fewest lines until half of the room is free.
    fn make_room(&mut self) {
        if self.pairs_sought_in_vain < PATIENCE && !self.join_pairs() {
            self.pairs_sought_in_vain += 1;
        }
        let mut by_lines: Vec<(u64, TemplateId)> = self.held.iter().map(|(id, held)| (held.lines, *id)).collect();
        by_lines.sort_unstable();
        for (_, id) in by_lines.into_iter().take(self.held.len().saturating_sub(MOST / 2)) {
            self.forget(id, OTHERS);
            self.gave_up = true;
        }
        self.families.clear();
        let mut hashes = Vec::new();
        for template in self.held.values() {
            let whole = word_hashes(&template.text, &mut hashes);
            for position in (0..hashes.len()).filter(|position| template.wild & bit(*position) == 0) {
                *self.families.entry(blanked(whole, &hashes, template.wild | bit(position))).or_default() += 1;
            }
        }
    }

    fn join_pairs(&mut self) -> bool {
        let mut families: HashMap<u64, u32> = HashMap::new();
        let (mut hashes, mut large) = (Vec::new(), Vec::new());
        for (id, template) in &self.held {
            let whole = word_hashes(&template.text, &mut hashes);
            for second in (0..hashes.len()).take_while(|_| hashes.len() <= PAIRS_UP_TO) {
                for first in (0..second).filter(|first| template.wild & (bit(*first) | bit(second)) == 0) {
                    let wild = template.wild | bit(first) | bit(second);
                    let family = families.entry(blanked(whole, &hashes, wild)).or_default();
                    *family += 1;
                    if *family == JOINED {
                        large.push((*id, wild));
                    }
                }
            }
        }
        // Not `any`: each is to be tried.
        large.into_iter().filter(|(id, wild)| self.join(*id, *wild, JOINED as usize).is_some()).count() > 0
    }
}

const fn bit(position: usize) -> u64 {
    1 << position
}

/// The hash of each word in its place; returns their sum, from which any of them can be taken out again.
fn word_hashes(masked: &str, hashes: &mut Vec<u64>) -> u64 {
    hashes.clear();
    // The same on every machine: `RandomState` would not be.
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    hashes.extend(masked.splitn(WORDS, ' ').enumerate().map(|(position, word)| hasher.hash_one((position, word))));
    hashes.iter().fold(hasher.hash_one(hashes.len()), |sum, hash| sum.wrapping_add(*hash))
}

/// The hash of the same words with these left out.
fn blanked(whole: u64, hashes: &[u64], wild: u64) -> u64 {
    let out = hashes.iter().enumerate().filter(|(position, _)| wild & bit(*position) != 0);
    out.fold(whole, |sum, (position, hash)| sum.wrapping_sub(*hash).wrapping_add((position as u64 + 1) << 32 | 1))
}

/// The text with `<*>` at these positions; None where too little would be left to tell it by.
fn pattern(text: &str, wild: u64) -> Option<String> {
    let words: Vec<&str> = text.splitn(WORDS, ' ').collect();
    let is_wild = |position: usize| wild & bit(position) != 0;
    let kept = words.iter().enumerate().filter(|(position, _)| !is_wild(*position)).map(|(_, word)| word);
    let telling = kept.filter(|word| !word.starts_with('<') && word.contains(char::is_alphabetic)).count();
    if telling == 0 || wild.count_ones() as usize * 2 > words.len() {
        return None;
    }
    let shown = words.iter().enumerate().map(|(position, word)| if is_wild(position) { ANY } else { word });
    Some(shown.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests;
