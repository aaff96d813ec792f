package actorstest

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Option is a fault of all the links in a network, or an option of both [NewNetwork] and
// [Explore]. A fault applies to system messages
// too, for example to those about the end of a watched actor.
//
// Calls of package rpc use connections, which are like those of TCP. A batch of a
// connection that is lost arrives later. None arrives twice or out of order.
type Option func(*faults)

func (o Option) apply(e *exploration) { o(&e.faults) }

type faults struct {
	seed              uint64
	shortest, longest time.Duration
	loss, duplication float64
	reorder           bool
}

// Seed chooses other random faults: which messages are lost, and how long each
// takes. The default is 0. In [Explore] it is the seed of the first schedule.
//
// The faults of a message depend on three things: the seed, the names of sender
// and receiver, and how many messages went that way before. So a test that sends
// the same messages has the same faults each time.
func Seed(seed uint64) Option { return func(f *faults) { f.seed = seed } }

// Delay makes each message take between shortest and longest. In a bubble that is
// virtual time. Messages from one system to another still arrive in order: a slow
// one delays those behind it. [Reorder] changes that.
func Delay(shortest, longest time.Duration) Option {
	return func(f *faults) { f.shortest, f.longest = shortest, longest }
}

// Loss is the probability, from 0 to 1, that a message is lost. No system is notified.
// Another value fails the test.
func Loss(probability float64) Option { return func(f *faults) { f.loss = probability } }

// Duplication is the probability, from 0 to 1, that a message arrives twice. Another
// value fails the test.
func Duplication(probability float64) Option { return func(f *faults) { f.duplication = probability } }

// Reorder lets messages overtake each other, according to their delays. It needs a
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

// random returns the source of the faults from one system to another.
func (f faults) random(r route) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %q", r.from, r.to)
	return rand.New(rand.NewPCG(f.seed, h.Sum64()))
}

// sampleDelays returns how long each copy of a message takes, or nothing if it is
// lost. It always takes the same amount from random, so that a message does not
// change the faults of later ones.
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
