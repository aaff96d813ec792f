package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == nodeFlag {
		check(serve(os.Stdout))
		return
	}
	goleak.VerifyTestMain(cleanly{m}, goleak.IgnoreCurrent())
}

// cleanly ends what the figures have begun before anybody looks for it.
type cleanly struct{ *testing.M }

func (m cleanly) Run() (status int) {
	defer removePrograms()
	defer func() { endNodes() }()
	return m.M.Run()
}

// BenchmarkFigures runs the same works as the program, each by itself.
func BenchmarkFigures(b *testing.B) {
	for _, f := range figures(fullSizes) {
		b.Run(fmt.Sprintf("%d/ours", f.number), f.ours.benchmark)
		if f.theirs.run != nil {
			b.Run(fmt.Sprintf("%d/theirs", f.number), f.theirs.benchmark)
		}
	}
}

func (s side) benchmark(b *testing.B) {
	b.ReportAllocs()
	s.run(b)
	if s.per > 1 {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*s.per), "ns/call")
	}
}

var tinySizes = sizes{
	batch:      10,
	children:   100,
	fewQueued:  10,
	manyQueued: 1000,
	smallTree:  5,
	largeTree:  50,
	shortChain: 5,
	longChain:  50,
}

// measureOnce has each side of a figure run for one operation.
func measureOnce(t *testing.T) {
	usual := flag.Lookup("test.benchtime").Value.String()
	require.NoError(t, flag.Set("test.benchtime", "1x"))
	t.Cleanup(func() { require.NoError(t, flag.Set("test.benchtime", usual)) })
}

func TestEachFigureGivesAPositiveRatio(t *testing.T) {
	measureOnce(t)
	for _, f := range figures(tinySizes) {
		t.Run(fmt.Sprint(f.number), func(t *testing.T) {
			c := f.compare(1)
			assert.Positive(t, c.ours.cost())
			assert.Positive(t, c.ratio)
			assert.Equal(t, f.theirs.run == nil, math.IsInf(c.ratio, 1), "a ratio to nothing")
		})
	}
}

func TestRunPrintsARowForEachChosenFigure(t *testing.T) {
	measureOnce(t)
	var table strings.Builder
	require.NoError(t, run(&table, []string{"-figures", "21,17", "-rounds", "1", "-time", "1ns"}, tinySizes))
	assert.Regexp(t, `(?s)^\| # \|.*\n\| 21 \| .* B \|.*\n\| 17 \| .* ns, .*\n17: `, table.String())
}

func TestRunRefusesAFigureThatThereIsNot(t *testing.T) {
	require.ErrorContains(t, run(nil, []string{"-figures", "1,99"}, tinySizes), `"99"`)
}

func TestBarIsReachedUpToItsLimits(t *testing.T) {
	at := func(ratio, allocs, bytes float64) comparison {
		return comparison{ratio: ratio, ours: measurement{allocs: allocs, bytes: bytes}}
	}
	for _, test := range []struct {
		bar             bar
		text            string
		reached, missed comparison
	}{
		{bar{faster: 4}, "≥ 4 times faster", at(0.25, 9, 9), at(0.26, 0, 0)},
		{bar{atMost: 1.5}, "≤ 1.5 times", at(1.5, 9, 9), at(1.6, 0, 0)},
		{bar{allocs: 2}, "≤ 2 alloc.", at(9, 2, 9), at(0, 2.1, 0)},
		{bar{bytes: 250}, "≤ 250 B", at(9, 9, 250), at(0, 0, 251)},
		{bar{noAllocs: true}, "no alloc.", at(9, 0, 9), at(0, 0.1, 0)},
		{bar{faster: 2, allocs: 3}, "≥ 2 times faster, ≤ 3 alloc.", at(0.5, 3, 9), at(0.5, 4, 0)},
	} {
		assert.Equal(t, test.text, test.bar.String())
		assert.True(t, test.bar.reached(test.reached), test.text)
		assert.False(t, test.bar.reached(test.missed), test.text)
	}
}

func TestMediansAreTakenOfEachNumberByItself(t *testing.T) {
	assert.Equal(t, measurement{nanoseconds: 2, allocs: 5, bytes: 8},
		medians([]measurement{{1, 6, 8}, {2, 4, 9}, {3, 5, 7}}))
}
