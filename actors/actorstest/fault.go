package actorstest

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Option is a fault of all the links in a network. System messages, as those
// about the end of a watched actor, suffer from it like any other.
//
// Calls of package rpc go over connections, as those of TCP, and not as messages. There a
// message that is lost comes later, and none arrives twice or out of order.
type Option func(*faults)

type faults struct {
	seed              uint64
	shortest, longest time.Duration
	loss, duplication float64
	reorder           bool
}

// Seed chooses other random faults: which messages are lost, how long each takes.
// They depend on the seed, which is 0 without this, on the names of two systems,
// and on how many messages have gone from the one to the other, and on nothing
// else: a test in which those are the same each time has the same faults.
func Seed(seed uint64) Option { return func(f *faults) { f.seed = seed } }

// Delay makes each message take between shortest and longest, on the clock of the
// bubble if the network is in one. Those from one system to another still arrive
// in order, a slow one holding up what follows, unless there is [Reorder].
func Delay(shortest, longest time.Duration) Option {
	return func(f *faults) { f.shortest, f.longest = shortest, longest }
}

// Loss is how probable it is, from 0 to 1, that a message is lost, of which
// nobody hears.
func Loss(probability float64) Option { return func(f *faults) { f.loss = probability } }

// Duplication is how probable it is, from 0 to 1, that a message arrives twice.
func Duplication(probability float64) Option { return func(f *faults) { f.duplication = probability } }

// Reorder lets a message overtake others, as their delays say. It needs a
// [Delay] that varies.
func Reorder() Option { return func(f *faults) { f.reorder = true } }

func (f faults) validate() error {
	var errs []error
	if !(f.loss >= 0 && f.loss <= 1) {
		errs = append(errs, fmt.Errorf("actorstest: Loss(%v): it is not from 0 to 1", f.loss))
	}
	if !(f.duplication >= 0 && f.duplication <= 1) {
		errs = append(errs, fmt.Errorf("actorstest: Duplication(%v): it is not from 0 to 1", f.duplication))
	}
	if f.shortest < 0 || f.longest < f.shortest {
		errs = append(errs, fmt.Errorf("actorstest: Delay(%v, %v): no time is between them", f.shortest, f.longest))
	}
	if f.reorder && f.longest <= f.shortest {
		errs = append(errs, errors.New("actorstest: Reorder: there is no Delay that varies"))
	}
	return errors.Join(errs...)
}

// random returns the source of the faults on the way from one system to another.
func (f faults) random(r route) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %q", r.from, r.to)
	return rand.New(rand.NewPCG(f.seed, h.Sum64()))
}

// sampleDelays returns how long each copy of a message takes; there is none if it is
// lost. What it takes from random is always the same, so that no message changes
// the fate of later ones.
func (f faults) sampleDelays(random *rand.Rand) []time.Duration {
	lost := random.Float64() < f.loss
	twice := random.Float64() < f.duplication
	delays := []time.Duration{f.delay(random), f.delay(random)}
	switch {
	case lost:
		return nil
	case twice:
		return delays
	default:
		return delays[:1]
	}
}

func (f faults) delay(random *rand.Rand) time.Duration {
	part := random.Float64()
	return f.shortest + time.Duration(part*float64(f.longest-f.shortest))
}
