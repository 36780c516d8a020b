//! Counting what the streams tell.

use serde::Serialize;
use table::{Item, TableError};

use crate::change::Change;
use crate::piece::{Piece, marks_key};
use crate::store::Tallies;

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
        while !piece.is_empty() {
            match piece.transaction(&self.table, self.lane)?.commit(&self.table).await {
                Ok(()) => return Ok(piece.len()),
                Err(TableError::ConditionFailed(refused)) => {
                    if self.leave_out_counted(&mut piece, refused).await? == 0 {
                        return Err(TableError::Broken("refused, though nothing of it is counted".to_owned()));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(0)
    }

    /// Leaves out of a piece what the items that refused it say is counted, and gives how many that were.
    async fn leave_out_counted(&self, piece: &mut Piece, refused: Vec<Option<Item>>) -> Result<usize, TableError> {
        let mut left_out = 0;
        for (second, refused) in piece.seconds().into_iter().zip(refused) {
            let Some(told) = refused else { continue };
            // An engine that does not tell the item (DynamoDB Local of 2020) is asked for it.
            let told = Some(told).filter(|told| !told.is_empty());
            let marks = self.table.refused(&marks_key(second), vec![told]).await?.unwrap_or_default();
            left_out += piece.leave_out(second, &marks);
        }
        Ok(left_out)
    }
}
