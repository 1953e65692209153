"""Server-rendered pages for people: accounts, the referral inbox, the province's overview."""
