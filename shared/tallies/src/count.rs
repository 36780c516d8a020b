//! Counting what the streams tell.

use serde::Serialize;
use table::TableError;

use crate::change::Change;
use crate::piece::{Piece, marks_key};
use crate::store::Tallies;

/// How often a transaction is tried that finds changes counted already.
const TRIES: usize = 8;

/// What came of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// How many were counted.
    pub counted: usize,
    /// How many had been counted before.
    pub known: usize,
}

impl Tallies {
    /// Counts changes, each once, however often and in whatever batches they are told of. What fails can be told again, and what of it is counted is
    /// counted no more. The counts of a change and the mark that it is counted are written by one transaction.
    pub async fn count(&self, changes: &[Change]) -> Result<Counted, TableError> {
        let mut sum = Counted::default();
        for piece in Piece::of_all(changes) {
            let (all, counted) = (piece.len(), self.count_piece(piece).await?);
            sum.counted += counted;
            sum.known += all - counted;
        }
        if sum.counted > 0 {
            self.tidy_now_and_then().await;
        }
        Ok(sum)
    }

    /// Counts those that are not counted yet, and gives how many that were.
    async fn count_piece(&self, mut piece: Piece) -> Result<usize, TableError> {
        for _ in 0..TRIES {
            if piece.is_empty() {
                return Ok(0);
            }
            match piece.transaction(&self.table, self.lane)?.commit(&self.table).await {
                Ok(()) => return Ok(piece.len()),
                Err(TableError::ConditionFailed(refused)) => {
                    for (second, refused) in piece.seconds().into_iter().zip(refused) {
                        let Some(told) = refused else { continue };
                        // An engine that does not tell the item (DynamoDB Local of 2020) is asked for it.
                        let told = Some(told).filter(|told| !told.is_empty());
                        let marks = self.table.refused(&marks_key(second), vec![told]).await?.unwrap_or_default();
                        piece.leave_out(second, &marks);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(TableError::Unavailable("others count the same changes at the same time".to_owned()))
    }
}
