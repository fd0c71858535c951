package main

import "strings"

// edit is a line of a comparison: of both texts, of the first, or of the second.
type edit struct {
	mark byte // ' ', '-', '+'
	text string
}

// maxCells bounds what a comparison may cost; texts whose changed parts are
// longer are shown as removed and added.
const maxCells = 4 << 20

// compare returns the lines of two texts, those that both have once.
func compare(before, after []string) []edit {
	head := 0
	for head < min(len(before), len(after)) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < min(len(before), len(after))-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	edits := marked(nil, ' ', before[:head])
	edits = align(edits, before[head:len(before)-tail], after[head:len(after)-tail])
	return marked(edits, ' ', before[len(before)-tail:])
}

func marked(edits []edit, mark byte, lines []string) []edit {
	for _, line := range lines {
		edits = append(edits, edit{mark, line})
	}
	return edits
}

// align appends the edits that keep the most lines.
func align(edits []edit, before, after []string) []edit {
	if len(before)*len(after) > maxCells {
		return marked(marked(edits, '-', before), '+', after)
	}
	kept, i, j := keeps(before, after), 0, 0
	for i < len(before) && j < len(after) {
		switch {
		case before[i] == after[j]:
			edits = append(edits, edit{' ', before[i]})
			i, j = i+1, j+1
		case kept[i+1][j] >= kept[i][j+1]:
			edits = append(edits, edit{'-', before[i]})
			i++
		default:
			edits = append(edits, edit{'+', after[j]})
			j++
		}
	}
	return marked(marked(edits, '-', before[i:]), '+', after[j:])
}

// keeps returns how many lines the rests of both texts from i and j on have in
// common, in their order.
func keeps(before, after []string) [][]int {
	kept := make([][]int, len(before)+1)
	for i := range kept {
		kept[i] = make([]int, len(after)+1)
	}
	for i := len(before) - 1; i >= 0; i-- {
		for j := len(after) - 1; j >= 0; j-- {
			if before[i] == after[j] {
				kept[i][j] = kept[i+1][j+1] + 1
			} else {
				kept[i][j] = max(kept[i+1][j], kept[i][j+1])
			}
		}
	}
	return kept
}

// linesOf splits a text; the empty one has none.
func linesOf(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
