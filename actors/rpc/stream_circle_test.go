package rpc_test

import (
	"context"
	"iter"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// keepers are two callers of one system that keep their turns while they wait.
type keepers struct {
	*scene
	other *actors.Caller
}

// amongKeepers runs a test in which a wait that is not told of its circle never ends.
func amongKeepers(t *testing.T, test func(t *testing.T, k *keepers)) {
	inMemory(t, func(t *testing.T, s *scene) {
		test(t, &keepers{s, actorstest.Start(t, s.there, props.Name("other"), props.NonReentrant())})
	}, props.NonReentrant())
}

// count streams from a caller of the system.
func (k *keepers) count(ctx context.Context, from *actors.Caller) ([]int, error) {
	return collect(rpc.Stream[int, int](ctx, k.there, rpc.At("", from.ID()), "count", 100))
}

// goOn checks that both callers do.
func (k *keepers) goOn(t *testing.T) {
	for _, c := range []*actors.Caller{k.clerk, k.other} {
		got, err := k.count(t.Context(), c)
		require.NoError(t, err)
		assert.Len(t, got, 100)
	}
}

func TestCallerThatKeepsItsTurnCannotStreamFromItself(t *testing.T) {
	amongKeepers(t, func(t *testing.T, k *keepers) {
		got, err := actors.CallSoon(t.Context(), k.clerk, func(ctx context.Context) ([]int, error) {
			return k.count(ctx, k.clerk)
		}).Wait(t.Context())
		require.ErrorIs(t, err, pending.ErrDeadlock)
		require.ErrorContains(t, err, k.clerk.ID()+" waits for "+k.clerk.ID())
		assert.Empty(t, got)
		k.goOn(t)
	})
}

func TestStreamFromACallerThatStreamsBackIsADeadlock(t *testing.T) {
	amongKeepers(t, func(t *testing.T, k *keepers) {
		inner := make(chan error, 1)
		require.NoError(t, rpc.HandleStream(k.there, "back", func(ctx context.Context, _ int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				_, err := k.count(ctx, k.clerk)
				inner <- err
				yield(0, err)
			}
		}))
		_, err := actors.CallSoon(t.Context(), k.clerk, func(ctx context.Context) ([]int, error) {
			return collect(rpc.Stream[int, int](ctx, k.there, rpc.At("", k.other.ID()), "back", 0))
		}).Wait(t.Context())
		require.ErrorIs(t, err, pending.ErrDeadlock)
		err = <-inner
		require.ErrorIs(t, err, pending.ErrDeadlock)
		require.ErrorContains(t, err, k.clerk.ID())
		require.ErrorContains(t, err, k.other.ID())
		k.goOn(t)
	})
}

func TestOfTwoCallersThatStreamFromEachOtherOneGoesOn(t *testing.T) {
	amongKeepers(t, func(t *testing.T, k *keepers) {
		both := make(chan struct{})
		stream := func(at, from *actors.Caller) *pending.Pending[[]int] {
			return actors.CallSoon(t.Context(), at, func(ctx context.Context) ([]int, error) {
				<-both
				return k.count(ctx, from)
			})
		}
		first, second := stream(k.clerk, k.other), stream(k.other, k.clerk)
		synctest.Wait()
		close(both)
		failed := 0
		for _, p := range []*pending.Pending[[]int]{first, second} {
			got, err := p.Wait(t.Context())
			if err == nil {
				assert.Len(t, got, 100)
				continue
			}
			require.ErrorIs(t, err, pending.ErrDeadlock)
			failed++
		}
		assert.NotZero(t, failed)
		k.goOn(t)
	})
}

// call calls another function of the clerk and waits for it.
func (k *keepers) call(ctx context.Context) error {
	_, err := rpc.Call[string, string](ctx, k.there, k.target, "echo", "x").Wait(ctx)
	return err
}

// A function that waits for its loop to go on keeps its turn from what the loop
// waits for.
func TestLoopThatWaitsForTheCallerItStreamsFromIsADeadlock(t *testing.T) {
	amongKeepers(t, func(t *testing.T, k *keepers) {
		mine := actorstest.Start(t, k.there)
		_, err := actors.CallSoon(t.Context(), mine, func(ctx context.Context) (int, error) {
			for _, err := range rpc.Stream[int, int](ctx, k.there, k.target, "count", 100) {
				require.NoError(t, err)
				synctest.Wait() // until the function waits for room
				return 0, k.call(ctx)
			}
			return 0, nil
		}).Wait(t.Context())
		require.ErrorIs(t, err, pending.ErrDeadlock)
		k.goOn(t)
	})
}

func TestFunctionThatWaitsForALoopThatWaitsForItsCallerIsADeadlock(t *testing.T) {
	amongKeepers(t, func(t *testing.T, k *keepers) {
		waits := make(chan struct{})
		require.NoError(t, rpc.HandleStream(k.there, "hesitate", func(context.Context, int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				yield(0, nil)
				<-waits
				yield(1, nil)
			}
		}))
		mine := actorstest.Start(t, k.there)
		got, err := actors.CallSoon(t.Context(), mine, func(ctx context.Context) (all []int, err error) {
			for i, err := range rpc.Stream[int, int](ctx, k.there, k.target, "hesitate", 0, rpc.Window(1)) {
				if err != nil {
					return all, err
				}
				all = append(all, i)
				go func() {
					synctest.Wait() // until the loop waits
					close(waits)
				}()
				assert.NoError(t, k.call(ctx), "the function has ended instead")
			}
			return all, nil
		}).Wait(t.Context())
		require.ErrorIs(t, err, pending.ErrDeadlock)
		assert.Empty(t, got)
		k.goOn(t)
	})
}

func TestLoopOnAnotherGoroutineIsNoneOfTheFunctionsWaits(t *testing.T) {
	amongKeepers(t, func(t *testing.T, k *keepers) {
		mine := actorstest.Start(t, k.there)
		got, waits := make(chan int), make(chan struct{})
		n, err := actors.CallSoon(t.Context(), mine, func(ctx context.Context) (int, error) {
			detached := actors.Detach(ctx)
			go func() {
				all, err := collect(func(yield func(int, error) bool) {
					for i, err := range rpc.Stream[int, int](detached, k.there, k.target, "count", 100) {
						if i == 0 {
							<-waits
						}
						if !yield(i, err) {
							return
						}
					}
				})
				assert.NoError(t, err)
				got <- len(all)
			}()
			synctest.Wait() // until the stream waits for the loop
			go func() {
				synctest.Wait() // until the call waits for the stream
				close(waits)
			}()
			err := k.call(ctx)
			return <-got, err
		}).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 100, n)
	})
}
