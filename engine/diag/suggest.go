package diag

import (
	"strconv"
	"strings"
)

// maxSuggestLen bounds the work for a name; nobody mistypes a longer one.
const maxSuggestLen = 128

// Suggest returns the candidate a person most likely meant by got. There is
// none if every candidate differs in more than about a third of its letters.
// Among equally near ones the first wins.
func Suggest(got string, candidates []string) (string, bool) {
	if got == "" || len(got) > maxSuggestLen {
		return "", false
	}
	folded := fold(got)
	limit := max(1, min(3, len([]rune(got))/3))
	best, bestDist := "", limit+1
	for _, c := range candidates {
		if c == got || c == "" || len(c) > maxSuggestLen || abs(len(c)-len(got)) > 4*limit {
			continue
		}
		if d := distance(folded, fold(c), bestDist); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best, best != ""
}

// DidYouMean returns ` Did you mean "x"?`, to be put behind a sentence, or ""
// if nothing is near enough to got.
func DidYouMean(got string, candidates []string) string {
	if s, ok := Suggest(got, candidates); ok {
		return " Did you mean " + strconv.Quote(s) + "?"
	}
	return ""
}

// fold makes names that differ only in case, or in "-" against "_", equal.
func fold(s string) []rune {
	return []rune(strings.ReplaceAll(strings.ToLower(s), "-", "_"))
}

// distance is the number of insertions, deletions, substitutions and swaps of
// neighbours between a and b (optimal string alignment). It returns limit as
// soon as it cannot be less.
func distance(a, b []rune, limit int) int {
	if abs(len(a)-len(b)) >= limit {
		return limit
	}
	prev2 := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	cur := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		lowest := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, prev2[j-2]+1)
			}
			cur[j] = d
			lowest = min(lowest, d)
		}
		if lowest >= limit {
			return limit
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return min(prev[len(b)], limit)
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
