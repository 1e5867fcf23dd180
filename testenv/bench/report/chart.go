package report

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"
)

// Group is a heading of a chart with its bars.
type Group struct {
	Label string
	Bars  []ChartBar
}

// ChartBar is one bar: seconds, or a word why there are none.
type ChartBar struct {
	Label   string
	Seconds float64
	Without string // shown in place of a bar
}

// The chart's measures, in pixels.
const (
	chartWidth = 860
	left       = 150 // labels of bars
	right      = 90  // figures behind bars
	top        = 62
	rowHeight  = 18
	groupGap   = 30
)

// Chart draws horizontal bars on a logarithmic scale of seconds, as SVG that
// brings its own background and follows a light or dark system.
func Chart(title string, groups []Group) string {
	low, high := decades(groups)
	rows := 0
	for _, g := range groups {
		rows += len(g.Bars)
	}
	height := top + rows*rowHeight + len(groups)*groupGap + 34
	plot := float64(chartWidth - left - right)
	x := func(s float64) float64 {
		return left + plot*(math.Log10(s)-float64(low))/float64(high-low)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`+"\n<title>%s</title>\n%s", chartWidth, height, chartWidth, height, text(title), style)
	fmt.Fprintf(&b, `<rect class="bg" width="%d" height="%d" rx="6"/>`+"\n"+`<text class="title" x="16" y="26">%s</text>`+"\n", chartWidth, height, text(title))
	fmt.Fprintf(&b, `<text class="note" x="16" y="45">Median time in seconds, logarithmic scale: each line is ten times the one before. Shorter is faster.</text>`+"\n")
	bottom := height - 28
	for d := low; d <= high; d++ {
		at := x(math.Pow10(d))
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/><text class="tick" x="%.1f" y="%d">%s s</text>`+"\n", at, top-4, at, bottom, at, bottom+16, number(math.Pow10(d)))
	}
	y := top
	for _, g := range groups {
		fmt.Fprintf(&b, `<text class="group" x="16" y="%d">%s</text>`+"\n", y+18, text(g.Label))
		y += groupGap - 4
		for _, bar := range g.Bars {
			fmt.Fprintf(&b, `<text class="label" x="%d" y="%d">%s</text>`, left-8, y+13, text(bar.Label))
			if bar.Seconds > 0 {
				w := math.Max(2, x(bar.Seconds)-left)
				fmt.Fprintf(&b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/><text class="value" x="%.1f" y="%d">%s</text>`, text(class(bar.Label)), left, y+2, w, rowHeight-5, left+w+6, y+13, number(bar.Seconds))
			} else {
				fmt.Fprintf(&b, `<text class="without" x="%d" y="%d">%s</text>`, left+6, y+13, text(bar.Without))
			}
			b.WriteString("\n")
			y += rowHeight
		}
		y += 4
	}
	return b.String() + "</svg>\n"
}

// decades are the powers of ten the axis begins and ends with.
func decades(groups []Group) (low, high int) {
	smallest, largest := math.Inf(1), 0.0
	for _, g := range groups {
		for _, bar := range g.Bars {
			if bar.Seconds > 0 {
				smallest, largest = math.Min(smallest, bar.Seconds), math.Max(largest, bar.Seconds)
			}
		}
	}
	if largest == 0 {
		return -1, 1
	}
	low, high = int(math.Floor(math.Log10(smallest))), int(math.Ceil(math.Log10(largest)))
	if x := math.Log10(smallest); x-float64(low) < 0.1 {
		low-- // a bar must be longer than nothing
	}
	return low, max(high, low+1)
}

// number writes a figure with as many digits as mean something.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	case v >= 1:
		return strings.TrimSuffix(strings.TrimSuffix(fmt.Sprintf("%.2f", v), "0"), ".0")
	}
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
}

func class(contender string) string {
	name, _, _ := strings.Cut(contender, " ")
	if name != contender {
		name += " also"
	}
	return name
}

func text(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}

const style = `<style>
text { font: 12px ui-sans-serif, system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 } .group { font-weight: 600 } .note, .tick { fill: #59636e; font-size: 11px }
.tick { text-anchor: middle } .label { text-anchor: end } .without { fill: #59636e; font-style: italic; font-size: 11px }
.group, .value, .without { paint-order: stroke; stroke: #ffffff; stroke-width: 4px }
.bg { fill: #ffffff; stroke: #d1d9e0 } .grid { stroke: #d1d9e0 }
.floor { fill: #8c959f } .ferry { fill: #0969da } .also { fill: #80b3ec } .clush { fill: #1a7f64 } .mitogen { fill: #d4820a } .ansible { fill: #cf222e }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .note, .tick, .without { fill: #9198a1 } .bg { fill: #0d1117; stroke: #3d444d } .group, .value, .without { stroke: #0d1117 } .grid { stroke: #3d444d }
.floor { fill: #848d97 } .ferry { fill: #4493f8 } .also { fill: #2a5f9e } .clush { fill: #3fb992 } .mitogen { fill: #e3a13c } .ansible { fill: #f85149 }
}
</style>
`
