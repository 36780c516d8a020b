//! Parameters and bodies as the document tells them.

use input::schema::{one_of, pattern, text, uuid, whole};
use jobs::Status;
use videos::{LONGEST_VALUE, Mode, OrderForm, VideoStatus};

use crate::query::{FURTHEST, LARGEST_PAGE};

input::parameters! {
    /// The job of a path.
    pub(crate) JobPath {
        path "job_id" "The job's id." => uuid(),
    }
}

input::parameters! {
    /// The video of a path.
    pub(crate) VideoPath {
        path "video_id" "What its platform calls the video." => pattern(1, api::video::LONGEST_VIDEO_ID, r"^[^\x00/]+$"),
    }
}

input::parameters! {
    /// Which part of a list.
    pub(crate) PageQuery {
        query "limit" "How many; 50 unless given." => whole::<1, LARGEST_PAGE>(),
        query "offset" "How many of the newest are left out." => whole::<0, FURTHEST>(),
    }
}

input::parameters! {
    /// Which jobs.
    pub(crate) JobQuery {
        query "status" "Those that stand so only." => one_of(Status::ALL.map(Status::as_str)),
    }
}

input::parameters! {
    /// Which videos.
    pub(crate) VideoQuery {
        query "mode" "Those of jobs of this mode only." => one_of(Mode::ALL.map(Mode::as_str)),
        query "value" "Those of jobs of this user or hashtag only, whatever its case." => text::<0, LONGEST_VALUE>(),
        query "author_username" "Those of this author only, whatever the case." => text::<0, LONGEST_VALUE>(),
        query "hashtag" "Those with this hashtag only, whatever its case." => text::<0, LONGEST_VALUE>(),
        query "status" "Those that stand so only." => one_of(VideoStatus::ALL.map(VideoStatus::as_str)),
    }
}

input::forms! {
    /// What a job is to fetch.
    pub(crate) NewVideoJob of OrderForm, needs OrderForm::NEEDED, example {
        "mode": "profile", "value": "khaby.lame", "limit": 50, "no_watermark": true, "since": "2024-01-01T00:00:00Z",
        "until": "2024-12-31T23:59:59Z"
    };
}
