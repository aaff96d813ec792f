// Command benchmarks measures the project's bars of speed and memory: works of
// protocaller against the same works of protoactor, of plain Go and of a worker
// pool.
//
// Run it in its folder. That is a module of its own, so that the library does
// not depend on the peers:
//
//	go run .                        # all figures, as a table in Markdown
//	go run . -figures 1,3,20        # some of them
//	go run . -rounds 51 -time 50ms  # when other programs disturb
//	go test -run - -bench s/20      # a figure as ordinary Go benchmarks
//
// A figure is measured in rounds. Each round measures our side first and then
// the other one, by [testing.Benchmark]. That collects garbage before. The
// ratio is taken within each round. The table shows medians over the rounds,
// for one call or one object, and the range of the ratio.
//
// Time is that of the whole work by the wall clock. Allocations are those of
// the whole process meanwhile, rounded to tenths. Memory is what the heap has
// grown by, with no garbage left in it, when many objects were made.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func main() {
	err := run(os.Stdout, os.Args[1:], fullSizes)
	removePrograms()
	endNodes()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(w io.Writer, args []string, n sizes) error {
	flags := flag.NewFlagSet("benchmarks", flag.ExitOnError)
	list := flags.String("figures", "", "the `numbers` of the figures to measure, separated by commas (default all)")
	each := flags.Duration("time", 100*time.Millisecond, "how long to measure each side of a figure in a round, at least")
	node := flags.Bool(nodeFlag[1:], false, "be the other node of a figure, and print nothing but its address")
	side := flags.Int("side", 0, "measure only our side of the figure with this `number`, and print nothing but two numbers")
	rounds := flags.Int("rounds", 15, "how many rounds to measure")
	_ = flags.Parse(args) // exits on an error
	if *node {
		return serve(w)
	}
	chosen, err := choose(figures(n), *list)
	if err != nil {
		return err
	}
	testing.Init()
	if err := flag.Set("test.benchtime", each.String()); err != nil {
		return err
	}

	if *side > 0 {
		only, err := choose(figures(n), strconv.Itoa(*side))
		if err != nil {
			return err
		}
		m := only[0].ours.measure()
		_, err = fmt.Fprintln(w, m.nanoseconds, m.allocs)
		return err
	}
	writeHead(w)
	for _, f := range chosen {
		writeRow(w, f, f.compare(max(*rounds, 1)))
	}
	writeNotes(w, chosen)
	_, err = fmt.Fprintf(w, "\n%s, %s/%s, GOMAXPROCS %d, %d rounds of %v.\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), *rounds, *each)
	return err
}

// choose returns the figures whose numbers are in a list, all for an empty one.
func choose(all []figure, list string) ([]figure, error) {
	if list == "" {
		return all, nil
	}
	var chosen []figure
	for number := range strings.SplitSeq(list, ",") {
		before := len(chosen)
		for _, f := range all { // a figure may have several peers
			if strconv.Itoa(f.number) == number {
				chosen = append(chosen, f)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("there is no figure %q", number)
		}
	}
	return chosen, nil
}
