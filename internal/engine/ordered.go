package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cdnredirect/cdnredirect/internal/api"
)

// inList is a runner in a list by names. What lists go by is beside it: to look at each of
// very many runners is to wait for memory.
type inList struct {
	name, customer string
	*runner
}

func listedOf(r *runner) inList { return inList{r.site.Name(), r.site.Customer, r} }

func byListed(l inList, name string) int { return cmp.Compare(l.name, name) }

// inOrder returns the runners by the names of their sites. They are put in order when
// somebody asks, and stay so.
func (g *Generation) inOrder() []inList {
	if g.ordered == nil {
		g.ordered = make([]inList, len(g.runners))
		for i, r := range g.runners {
			g.ordered[i] = listedOf(r)
		}
		slices.SortFunc(g.ordered, func(a, b inList) int { return cmp.Compare(a.name, b.name) })
	}
	return g.ordered
}

// reorder has runners be listed, and others be no more; after many changes all are put in
// order anew, when somebody asks.
func (g *Generation) reorder(put, gone []*runner) {
	if len(put)+len(gone) > fewGone {
		g.ordered = nil
	}
	if g.ordered == nil {
		return
	}
	for _, r := range gone {
		if i, found := slices.BinarySearchFunc(g.ordered, r.site.Name(), byListed); found {
			g.ordered = slices.Delete(g.ordered, i, i+1)
		}
	}
	for _, r := range put {
		i, _ := slices.BinarySearchFunc(g.ordered, r.site.Name(), byListed)
		g.ordered = slices.Insert(g.ordered, i, listedOf(r))
	}
}

// pageOf returns the first of the runners that are wanted, and where those behind them
// begin; empty: there are no more.
func pageOf(all []inList, q api.StateQuery) (page []*runner, next string) {
	start, behind := slices.BinarySearchFunc(all, max(q.Cursor, q.Prefix), byListed)
	if behind && q.Cursor >= q.Prefix {
		start++
	}
	for _, l := range all[start:] {
		switch {
		case !strings.HasPrefix(l.name, q.Prefix):
			return page, ""
		case q.Customer != "" && q.Customer != l.customer || !q.Sees(l.customer):
			continue
		case len(page) == q.Limit:
			return page, page[q.Limit-1].site.Name()
		}
		page = append(page, l.runner)
	}
	return page, ""
}
