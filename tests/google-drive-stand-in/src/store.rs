//! Files and folders, as Drive has them: several may have one name, each has one id and one parent.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use table::{Clock, Millis};

use crate::answer::Answer;
use crate::query::Term;

/// The folder that is the service account's own Drive; `root` is another name for it.
pub const MY_DRIVE: &str = "0AMyDriveOfTheStandIn";
/// The folder that is a shared drive: only who says `supportsAllDrives` sees what is in it.
pub const SHARED_DRIVE: &str = "0ASharedDriveOfStandIn";

pub(crate) const FOLDER: &str = "application/vnd.google-apps.folder";
/// The largest content that is kept, in bytes; of all other only the hash.
pub(crate) const KEPT: usize = 1024 * 1024;
/// Drive's most, in bytes: of a property's name with its value.
const LARGEST_PROPERTY: usize = 124;

/// A file as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// Its name, after the names of the folders it lies in below the Drive.
    pub path: String,
    /// Its media type.
    pub mime_type: String,
    /// The folder it lies in.
    pub parent: String,
    /// How many bytes it has; a folder has none.
    pub size: Option<u64>,
    /// The MD5 of its bytes.
    pub md5: Option<String>,
    /// Whether it is in the trash, by itself or with its folder.
    pub trashed: bool,
    /// What is in it, if that is a text of up to 1 MiB.
    pub text: Option<String>,
}

/// What is in a file.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) size: u64,
    pub(crate) md5: String,
    pub(crate) bytes: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
struct Node {
    name: String,
    mime_type: String,
    parent: Option<String>,
    trashed: bool,
    app_properties: Map<String, Json>,
    stored: Option<Stored>,
    created_at: Millis,
    /// In which order files were made.
    number: usize,
}

/// A file that somebody wants to make.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) mime_type: Option<String>,
    pub(crate) parent: String,
    pub(crate) app_properties: Map<String, Json>,
}

/// All files.
pub(crate) struct Store {
    nodes: HashMap<String, Node>,
    /// Ids that were given out.
    issued: HashSet<String>,
    /// Ids that files had which are deleted.
    spent: HashSet<String>,
    made: usize,
}

impl Store {
    pub(crate) fn new() -> Self {
        let root = |name: &str| Node {
            name: name.to_owned(),
            mime_type: FOLDER.to_owned(),
            parent: None,
            trashed: false,
            app_properties: Map::new(),
            stored: None,
            created_at: Clock::system().now(),
            number: 0,
        };
        let nodes = [(MY_DRIVE, "My Drive"), (SHARED_DRIVE, "Shared drive")];
        let nodes = nodes.into_iter().map(|(id, name)| (id.to_owned(), root(name))).collect();
        Self { nodes, issued: HashSet::new(), spent: HashSet::new(), made: 0 }
    }

    /// New ids.
    pub(crate) fn issue(&mut self, count: usize) -> Vec<String> {
        let ids: Vec<_> = std::iter::repeat_with(new_id).take(count).collect();
        self.issued.extend(ids.iter().cloned());
        ids
    }

    /// Whether a file can be made so; the refusal if not.
    pub(crate) fn admit(&self, wanted: &Wanted, all_drives: bool) -> Result<(), Answer> {
        if let Some(id) = &wanted.id {
            if self.nodes.contains_key(id) || self.spent.contains(id) {
                return Err(Answer::refused(409, "fileIdInUse", "A file already exists with the provided ID."));
            }
            if !self.issued.contains(id) {
                return Err(Answer::refused(400, "invalid", "The provided file ID is not usable."));
            }
        }
        let size = |(name, value): (&String, &Json)| name.len() + value.as_str().map_or(usize::MAX / 2, str::len);
        if wanted.app_properties.iter().any(|property| size(property) > LARGEST_PROPERTY) {
            return Err(Answer::refused(403, "propertyTooLarge", "A property is too large."));
        }
        let parent = self.visible(&wanted.parent, all_drives)?;
        if parent.mime_type != FOLDER {
            return Err(Answer::refused(403, "parentNotAFolder", "The specified parent is not a folder."));
        }
        Ok(())
    }

    /// Makes a file, and gives its id.
    pub(crate) fn create(
        &mut self,
        wanted: &Wanted,
        stored: Option<Stored>,
        all_drives: bool,
    ) -> Result<String, Answer> {
        self.admit(wanted, all_drives)?;
        let id = wanted.id.clone().unwrap_or_else(new_id);
        self.made += 1;
        let node = Node {
            name: wanted.name.clone(),
            mime_type: wanted.mime_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned()),
            parent: Some(canonical(&wanted.parent).to_owned()),
            trashed: false,
            app_properties: wanted.app_properties.clone(),
            stored,
            created_at: Clock::system().now(),
            number: self.made,
        };
        self.nodes.insert(id.clone(), node);
        Ok(id)
    }

    /// All that is told of a file.
    pub(crate) fn get(&self, id: &str, all_drives: bool) -> Result<Json, Answer> {
        let id = canonical(id);
        let node = self.visible(id, all_drives)?;
        let mut told = json!({
            "kind": "drive#file",
            "id": id,
            "name": node.name,
            "mimeType": node.mime_type,
            "parents": node.parent.iter().collect::<Vec<_>>(),
            "trashed": self.is_trashed(id),
            "createdTime": node.created_at.to_string(),
        });
        if !node.app_properties.is_empty() {
            told["appProperties"] = Json::Object(node.app_properties.clone());
        }
        if let Some(stored) = &node.stored {
            told["size"] = stored.size.to_string().into();
            told["md5Checksum"] = stored.md5.as_str().into();
        }
        Ok(told)
    }

    /// The files for which all terms hold, the oldest first.
    pub(crate) fn list(&self, terms: &[Term], all_drives: bool) -> Vec<Json> {
        let holds = |id: &str, node: &Node, term: &Term| match term {
            Term::Name(name) => node.name == *name,
            Term::MimeType(mime_type) => node.mime_type == *mime_type,
            Term::In(parent) => node.parent.as_deref() == Some(canonical(parent)),
            Term::Trashed(trashed) => self.is_trashed(id) == *trashed,
            Term::AppProperty(key, value) => node.app_properties.get(key).and_then(Json::as_str) == Some(value),
        };
        let mut found: Vec<_> = self.nodes.iter().filter(|(_, node)| node.parent.is_some()).collect();
        found.retain(|(id, node)| terms.iter().all(|term| holds(id, node, term)));
        found.sort_by_key(|(_, node)| node.number);
        found.iter().filter_map(|(id, _)| self.get(id, all_drives).ok()).collect()
    }

    /// Puts a file into the trash, or takes it out.
    pub(crate) fn trash(&mut self, id: &str, trashed: bool, all_drives: bool) -> Result<(), Answer> {
        self.visible(id, all_drives)?;
        if let Some(node) = self.nodes.get_mut(canonical(id)) {
            node.trashed = trashed;
        }
        Ok(())
    }

    /// Deletes a file for ever; a folder with all that is in it.
    pub(crate) fn delete(&mut self, id: &str, all_drives: bool) -> Result<(), Answer> {
        self.visible(id, all_drives)?;
        let gone: Vec<_> =
            self.nodes.keys().filter(|known| self.folders_of(known).iter().any(|in_| in_ == id)).cloned().collect();
        for id in gone {
            self.nodes.remove(&id);
            self.spent.insert(id);
        }
        Ok(())
    }

    /// A file and the folders that it lies in, up to its Drive.
    pub(crate) fn folders_of(&self, id: &str) -> Vec<String> {
        let mut folders = Vec::new();
        let mut next = Some(canonical(id).to_owned());
        while let Some(id) = next {
            next = self.nodes.get(&id).and_then(|node| node.parent.clone());
            folders.push(id);
        }
        folders
    }

    /// All that was made and not deleted, in the order in which it was made.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let mut nodes: Vec<_> = self.nodes.iter().filter(|(_, node)| node.parent.is_some()).collect();
        nodes.sort_by_key(|(_, node)| node.number);
        let seen = |(id, node): (&String, &Node)| {
            let above = self.folders_of(id);
            let names = above.iter().rev().skip(1).filter_map(|id| self.nodes.get(id)).map(|node| node.name.as_str());
            let bytes = node.stored.as_ref().and_then(|stored| stored.bytes.clone());
            Seen {
                id: id.clone(),
                path: names.collect::<Vec<_>>().join("/"),
                mime_type: node.mime_type.clone(),
                parent: node.parent.clone().unwrap_or_default(),
                size: node.stored.as_ref().map(|stored| stored.size),
                md5: node.stored.as_ref().map(|stored| stored.md5.clone()),
                trashed: self.is_trashed(id),
                text: bytes.and_then(|bytes| String::from_utf8(bytes).ok()),
            }
        };
        nodes.into_iter().map(seen).collect()
    }

    fn visible(&self, id: &str, all_drives: bool) -> Result<&Node, Answer> {
        let is_shared = self.folders_of(id).iter().any(|folder| folder == SHARED_DRIVE);
        let node = self.nodes.get(canonical(id)).filter(|_| all_drives || !is_shared);
        node.ok_or_else(|| Answer::not_found(id))
    }

    fn is_trashed(&self, id: &str) -> bool {
        self.folders_of(id).iter().filter_map(|id| self.nodes.get(id)).any(|node| node.trashed)
    }
}

fn canonical(id: &str) -> &str {
    if id == "root" { MY_DRIVE } else { id }
}

fn new_id() -> String {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let sign = |_| char::from(SIGNS[fastrand::usize(..SIGNS.len())]);
    std::iter::once('1').chain((0..32).map(sign)).collect()
}
