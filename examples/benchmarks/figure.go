package main

import (
	"fmt"
	"testing"
)

// figure compares a work of ours with one of a peer's.
type figure struct {
	number       int // in the project's list of bars, or from 101 on
	ours, theirs side
	bar          bar
	note         string // for the reader of the table
}

// side is one of the two works of a figure.
type side struct {
	name string
	per  int                // calls, or objects, in an operation of run
	run  func(b *testing.B) // nil where there is nobody to compare with
}

// sizes says how large the works are that are about many calls or objects.
type sizes struct {
	batch                 int // calls before the first wait
	children              int
	fewQueued, manyQueued int
	smallTree, largeTree  int
}

var fullSizes = sizes{
	batch:      1000,
	children:   100_000,
	fewQueued:  10_000,
	manyQueued: 1_000_000,
	smallTree:  1000,
	largeTree:  100_000,
}

// figures is the table of what is measured. Numbers that are missing belong to
// packages that are not written yet.
func figures(n sizes) []figure {
	jobs := side{"1000 `ToThread` through `AsCompleted`, 10 at a time", n.batch, asCompletedBatch(n.batch)}
	call := side{"`CallSoon` and `Wait`", 1, callSoon}
	calls := side{"1000 `CallSoon`, then wait for all", n.batch, callSoonBatch(n.batch)}
	return append([]figure{{
		number: 1,
		ours:   call,
		theirs: side{"protoactor `RequestFuture().Result()`", 1, requestFuture},
		bar:    bar{faster: 7, allocs: 3},
	}, {
		number: 2,
		ours:   call,
		theirs: side{"two unbuffered channel hops to a goroutine and back", 1, channelHops},
		bar:    bar{atMost: 2},
	}, {
		number: 3,
		ours:   calls,
		theirs: side{"1000 protoactor `RequestFuture`, then all `Result`", n.batch, requestFutureBatch(n.batch)},
		bar:    bar{faster: 10, allocs: 2},
	}, {
		number: 4,
		ours:   calls,
		theirs: side{"1000 goroutines with `sync.WaitGroup.Go`", n.batch, waitGroupBatch(n.batch)},
		bar:    bar{atMost: 1},
	}, {
		number: 5,
		ours:   side{"`CallDirect`, drained", n.batch, callDirectBatch(n.batch)},
		theirs: side{"protoactor `Send`, drained", n.batch, sendBatch(n.batch)},
		bar:    bar{atMost: 1},
	}, {
		number: 6,
		ours:   side{"`Wait` in a function, on another caller", 1, waitOnOther},
		theirs: side{"protoactor `ReenterAfter(RequestFuture)`", 1, reenterAfter},
		bar:    bar{faster: 6},
	}, {
		number: 7,
		ours:   side{"`Wait` in a function, on the same caller", 1, waitOnSame},
		theirs: call,
		bar:    bar{atMost: 1},
	}, {
		number: 8,
		ours:   side{"`ToThread` and `Wait`, warm pool", 1, toThread},
		theirs: side{"pond v2 result pool `SubmitErr().Wait()`", 1, pondSubmit},
		bar:    bar{faster: 3},
	}, {
		number: 9,
		ours:   jobs,
		theirs: side{"errgroup", n.batch, errgroupBatch(n.batch)},
		bar:    bar{atMost: 1},
	}, {
		number: 9,
		ours:   jobs,
		theirs: side{"conc result pool", n.batch, concBatch(n.batch)},
		bar:    bar{atMost: 1.5},
	}, {
		number: 9,
		ours:   jobs,
		theirs: side{"pond v2 result group, warm pool", n.batch, pondBatch(n.batch)},
		bar:    bar{atMost: 1.5},
	}, {
		number: 9,
		ours:   jobs,
		theirs: side{"ants, warm pool", n.batch, antsBatch(n.batch)},
		bar:    bar{atMost: 1.5},
	}, {
		number: 10,
		ours:   side{"`Queue.Put`, drained", n.batch, queueBatch(n.batch)},
		theirs: side{"a channel of 1024 and a goroutine, drained", n.batch, channelBatch(n.batch)},
		bar:    bar{atMost: 1.5, allocs: 1},
	}, {
		number: 11,
		ours:   side{"messages to an actor made a caller", n.batch, sendAdoptedBatch(n.batch)},
		theirs: side{"the same actor, protoactor's default mailbox", n.batch, sendBatch(n.batch)},
		bar:    bar{atMost: 1},
	}, {
		number: 12,
		ours:   side{"`CallSoon` and `Wait`, no observer", 1, callSoon},
		theirs: side{"itself, as a control", 1, callSoon},
		bar:    bar{atMost: 1.03, allocs: 1},
		note: "a program cannot be compared with itself less the checks for an observer. The one allocation is the call " +
			"itself, so they cost none; the ratio is that of the same work measured twice, the noise of this run.",
	}, {
		number: 14,
		ours:   side{"heap of an idle child caller", n.children, idleCallers(n.children)},
		theirs: side{"protoactor child actor, default mailbox", n.children, idleActors(n.children)},
		bar:    bar{atMost: 1.5},
		note:   "each has done a call, or received a message.",
	}, {
		number: 15,
		ours:   side{"heap of a queued pending", n.manyQueued, queuedPendings(n.manyQueued)},
		bar:    bar{bytes: 250},
	}, {
		number: 16,
		ours:   side{"a call, 1 000 000 queued on the caller", n.manyQueued, queueAndDrain(n.manyQueued)},
		theirs: side{"10 000 queued", n.fewQueued, queueAndDrain(n.fewQueued)},
		bar:    bar{atMost: 1.3},
	}, {
		number: 17,
		ours:   side{"stop of a caller, in a tree of 100 000", n.largeTree, stopTree(n.largeTree)},
		theirs: side{"in a tree of 1000", n.smallTree, stopTree(n.smallTree)},
		bar:    bar{atMost: 1.5},
		note:   fmt.Sprintf("each caller has %d children, as far as the number of callers goes.", fanOut),
	}}, backendFigures(n)...)
}

// backendFigures compares the other backends with the default one. They have no
// bars. Their numbers follow those in the list of bars.
func backendFigures(n sizes) []figure {
	batch := func(on backend) func(*testing.B) { return callBatchOn(on, n.batch) }
	var figures []figure
	for _, work := range []struct {
		name string
		per  int
		on   func(backend) func(*testing.B)
	}{
		{"`CallSoon` and `Wait`", 1, callOn},
		{"1000 `CallSoon`, then wait for all", n.batch, batch},
		{"`Wait` in a function, on the same caller", 1, waitOn},
		{"`Wait` in a function, on another caller", 1, waitBetween},
		{"start, a call, and stop", 1, live},
	} {
		usual := side{"the default backend", work.per, work.on(onGoroutines)}
		figures = append(figures,
			figure{ours: side{work.name + ", `props.Thread`", work.per, work.on(onThread)}, theirs: usual},
			figure{ours: side{work.name + ", a host", work.per, work.on(onHost)}, theirs: usual})
	}
	figures = append(figures, figure{
		ours:   side{"`CallUsing` a thread, and `Wait`", 1, callGuest},
		theirs: side{"`CallSoon` and `Wait`", 1, callSoon},
	})
	for i := range figures {
		figures[i].number = firstBackendFigure + i
	}
	return figures
}

const firstBackendFigure = 101
