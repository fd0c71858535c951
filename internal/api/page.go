package api

// mostPage is how many items an answer has at most.
const mostPage = 1000

// Page is which part of a list is wanted.
type Page struct {
	Cursor string `query:"cursor" doc:"Where the part begins: what 'next' of the one before says; absent: at the beginning" example:"shop.example.org"`
	Limit  int    `query:"limit" default:"100" minimum:"1" doc:"How many at most; above 1000 is 1000" example:"100"`
}

// limited is a page as it can be had.
func (p Page) limited() Page { return Page{p.Cursor, min(p.Limit, mostPage)} }
