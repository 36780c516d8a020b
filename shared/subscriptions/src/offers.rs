//! What is sold: which plan is which of the store's variants, and at which price.

use std::str::FromStr;

use extract::Plan;

/// A plan that is sold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offer {
    /// The plan.
    pub plan: Plan,
    /// By which the store knows it.
    pub variant: u64,
    /// What a month costs, in US dollars.
    pub price: f64,
}

/// The plans that are sold, as in `professional=123@29.99,enterprise=456@199.99`. Of a plan that is there several times the first is sold; the others
/// are what it was sold as before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offers(Vec<Offer>);

impl Offers {
    /// What a plan is sold as, if it is.
    #[must_use]
    pub fn of_plan(&self, plan: Plan) -> Option<Offer> {
        self.0.iter().find(|offer| offer.plan == plan).copied()
    }

    /// The plan that a variant is.
    #[must_use]
    pub fn plan_of(&self, variant: u64) -> Option<Plan> {
        self.0.iter().find(|offer| offer.variant == variant).map(|offer| offer.plan)
    }
}

impl FromStr for Offers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        text.split(',').map(str::trim).map(offer).collect::<Result<_, _>>().map(Self)
    }
}

fn offer(text: &str) -> Result<Offer, String> {
    let read = || {
        let (plan, rest) = text.split_once('=')?;
        let (variant, price) = rest.split_once('@')?;
        let plan = Plan::ALL.into_iter().find(|known| known.as_str() == plan && *known != Plan::Free)?;
        let price = price.parse().ok().filter(|price: &f64| price.is_finite() && *price > 0.0)?;
        Some(Offer { plan, variant: variant.parse().ok()?, price })
    };
    read().ok_or_else(|| format!("{text:?} is no offer such as professional=123@29.99"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_offer_of_a_plan_is_sold_and_the_others_are_known() {
        let offers: Offers = "professional=12@29.99, professional=7@19.99,enterprise=3@199".parse().unwrap();
        let sold = Offer { plan: Plan::Professional, variant: 12, price: 29.99 };
        assert_eq!((offers.of_plan(Plan::Professional), offers.of_plan(Plan::Free)), (Some(sold), None));
        for (variant, plan) in
            [(12, Some(Plan::Professional)), (7, Some(Plan::Professional)), (3, Some(Plan::Enterprise)), (1, None)]
        {
            assert_eq!(offers.plan_of(variant), plan);
        }
        assert_eq!("".parse(), Ok(Offers::default()));
    }

    #[test]
    fn what_is_no_offer_is_refused() {
        for wrong in [
            "x",
            "free=1@1",
            "pro=1@1",
            "professional=1",
            "professional=@1",
            "professional=-1@1",
            "professional=1@0",
            "professional=1@NaN",
            "professional=1@2,",
        ] {
            assert!(wrong.parse::<Offers>().is_err(), "{wrong}");
        }
    }
}
