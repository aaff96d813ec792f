package pending_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// endless returns a sequence of pendings that are not done, and where it keeps
// those that were pulled.
func endless(t *testing.T) (seq iter.Seq[*promise], pulled *[]*promise) {
	pulled = new([]*promise)
	return func(yield func(*promise) bool) {
		for {
			p := pending.New[int](t.Context())
			*pulled = append(*pulled, p)
			if !yield(p) {
				return
			}
		}
	}, pulled
}

// Item 58 of the seed's behavior.
func TestSequenceIsPulledAsFarAheadAsItMay(t *testing.T) {
	tests := map[string]struct {
		opts []pending.CompletedOption
		want int
	}{
		"10 by default": {nil, 10},
		"1":             {[]pending.CompletedOption{pending.MaxConcurrent(1)}, 1},
		"3":             {[]pending.CompletedOption{pending.MaxConcurrent(3)}, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seq, pulled := endless(t)
				handedOut := 0
				go func() {
					for _, err := range pending.AsCompleted(t.Context(), seq, tt.opts...) {
						assert.NoError(t, err)
						if handedOut++; handedOut == 20 {
							break
						}
					}
				}()
				for i := range 20 {
					synctest.Wait()
					assert.Equal(t, i, handedOut)
					assert.Len(t, *pulled, i+tt.want)
					(*pulled)[i].SetResult(i)
				}
				synctest.Wait()
				assert.Equal(t, 20, handedOut)
			})
		})
	}
}

// Item 58 of the seed's behavior.
func TestWithoutLimitAllAreWatchedFromTheBeginning(t *testing.T) {
	for name, opts := range map[string][]pending.CompletedOption{
		"a slice":    {pending.MaxConcurrent(1)}, // which is ignored
		"a sequence": {pending.MaxConcurrent(0)},
	} {
		t.Run(name, func(t *testing.T) {
			items := append(open(t, 20), doneWith(t, 1)...)
			for p, err := range waysToIterate[name](t.Context(), items, opts...) {
				require.NoError(t, err)
				assert.Same(t, items[20], p)
				break
			}
			for _, p := range items[:20] {
				assert.True(t, p.Cancelled())
			}
		})
	}
}

// Item 59 of the seed's behavior.
func TestPendingsAreHandedOutInTheOrderInWhichTheyAreDone(t *testing.T) {
	eachWay(t, func(t *testing.T, iterate func(context.Context, []*promise, ...pending.CompletedOption) promises) {
		items := append(doneWith(t, 0, 1), open(t, 3)...)
		items = append(items, items[0], items[3]) // duplicates
		var got []*promise
		go func() {
			for p, err := range iterate(t.Context(), items) {
				assert.ErrorIs(t, err, p.Err())
				got = append(got, p)
			}
		}()
		synctest.Wait()
		assert.Equal(t, []*promise{items[0], items[1], items[0]}, got, "in their own order")
		for _, i := range []int{3, 2, 4} {
			synctest.Wait()
			items[i].SetResult(i)
		}
		synctest.Wait()
		assert.Equal(t, []*promise{items[3], items[3], items[2], items[4]}, got[3:])
	})
}

// Item 59 of the seed's behavior.
func TestFailedAndCancelledPendingsComeWithTheirErrors(t *testing.T) {
	eachWay(t, func(t *testing.T, iterate func(context.Context, []*promise, ...pending.CompletedOption) promises) {
		items := append(open(t, 2), doneWith(t, 1)...)
		items[0].SetError(errBoom)
		items[1].Cancel(errWhy)
		var errs []error
		for _, err := range iterate(t.Context(), items) {
			errs = append(errs, err)
		}
		require.Len(t, errs, 3)
		requireErrors(t, errs[0], errBoom)
		requireErrors(t, errs[1], pending.ErrCancelled, errWhy)
		require.NoError(t, errs[2])
	})
}

// Item 59 of the seed's behavior.
func TestLoopOverNothingEndsAtOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, iterate func(context.Context, []*promise, ...pending.CompletedOption) promises) {
		for p, err := range iterate(t.Context(), nil) {
			t.Error("there is nothing", p, err)
		}
	})
}

// Item 60 of the seed's behavior.
func TestLeavingTheLoopCancelsWhatIsNotDone(t *testing.T) {
	leave := map[string]func(loop promises){
		"by break": func(loop promises) {
			for _, err := range loop {
				assert.NoError(t, err)
				break
			}
		},
		"by panic": func(loop promises) {
			defer func() { _ = recover() }()
			for p, err := range loop {
				panic(fmt.Sprint(p, err))
			}
		},
		"by Goexit": func(loop promises) {
			var outside sync.WaitGroup
			outside.Go(func() {
				for p, err := range loop {
					assert.Equal(t, p.Err(), err)
					runtime.Goexit()
				}
			})
			outside.Wait()
		},
	}
	for name, leave := range leave {
		for keep, opts := range map[string][]pending.CompletedOption{"": nil, ", unless kept": {pending.KeepUnfinished()}} {
			t.Run(name+keep, func(t *testing.T) {
				eachWay(t, func(t *testing.T, iterate func(context.Context, []*promise, ...pending.CompletedOption) promises) {
					items := append(doneWith(t, 1), open(t, 5)...)
					late := make(chan struct{})
					leave(func(yield func(*promise, error) bool) {
						for p, err := range iterate(t.Context(), items, opts...) {
							synctest.Wait() // a channel has brought what it may
							close(late)
							if !yield(p, err) {
								return
							}
						}
					})
					<-late
					synctest.Wait()
					cancelled := 0
					for _, p := range items[1:] {
						if p.Cancelled() {
							cancelled++
							assert.ErrorContains(t, p.Err(), "left by AsCompleted")
						}
					}
					if keep == "" {
						assert.Positive(t, cancelled)
					} else {
						assert.Zero(t, cancelled)
					}
				})
			})
		}
	}
}

func TestSequenceIsLeftAfterItsPendingsAreCancelled(t *testing.T) {
	p, left := open(t, 1)[0], false
	seq := func(yield func(*promise) bool) {
		defer func() {
			assert.True(t, p.Cancelled())
			left = true
		}()
		_ = yield(p) && yield(doneWith(t, 1)[0])
	}
	for _, err := range pending.AsCompleted(t.Context(), seq, pending.MaxConcurrent(2)) {
		require.NoError(t, err)
		break
	}
	assert.True(t, left)
}

// Item 60 of the seed's behavior.
func TestEndOfTheContextEndsTheLoopAfterWhatIsDone(t *testing.T) {
	eachWay(t, func(t *testing.T, iterate func(context.Context, []*promise, ...pending.CompletedOption) promises) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		items := append(doneWith(t, 0, 1), open(t, 2)...)
		var errs []error
		for p, err := range iterate(ctx, items) {
			synctest.Wait()
			cancel(errWhy)
			errs = append(errs, err)
			assert.Equal(t, len(errs) > 2, p == nil)
		}
		require.Len(t, errs, 3)
		require.NoError(t, errors.Join(errs[:2]...))
		requireErrors(t, errs[2], context.Canceled, errWhy)
	})
}

func TestNothingIsPulledWhenTheContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errWhy)
	seq, pulled := endless(t)
	rounds := 0
	for p, err := range pending.AsCompleted(ctx, seq) {
		rounds++
		assert.Nil(t, p)
		requireErrors(t, err, errWhy, context.Canceled)
	}
	assert.Equal(t, 1, rounds)
	assert.Empty(t, *pulled)
}

// Item 61 of the seed's behavior.
func TestLoopThatWouldWaitForItselfFails(t *testing.T) {
	eachWay(t, func(t *testing.T, iterate func(context.Context, []*promise, ...pending.CompletedOption) promises) {
		others := open(t, 2)
		call(t.Context(), func(ctx context.Context) (int, error) {
			own, _ := pending.Current(ctx)
			rounds := 0
			for p, err := range iterate(ctx, []*promise{others[0], own.(*promise), others[1]}) {
				rounds++
				assert.Nil(t, p)
				require.ErrorIs(t, err, pending.ErrDeadlock)
			}
			assert.Equal(t, 1, rounds)
			assert.False(t, own.Cancelled())
			return 0, nil
		})
		assert.True(t, others[0].Cancelled())
	})
}

// Item 62 of the seed's behavior.
func TestPanicOfTheSequenceComesOutOfTheLoop(t *testing.T) {
	p := open(t, 1)[0]
	seq := func(yield func(*promise) bool) {
		yield(p)
		panic("no")
	}
	assert.PanicsWithValue(t, "no", func() {
		for p, err := range pending.AsCompleted(t.Context(), seq) {
			t.Error("nothing is done", p, err)
		}
	})
	assert.True(t, p.Cancelled())
}

func TestLoopInAFunctionGivesTheTurnAwayWhileItWaits(t *testing.T) {
	eachWay(t, func(t *testing.T, iterate func(context.Context, []*promise, ...pending.CompletedOption) promises) {
		items := append(doneWith(t, 1), open(t, 1)...)
		handedOut := 0
		task, r := spawn(t.Context(), func(ctx context.Context) (any, error) {
			for _, err := range iterate(ctx, items) {
				if err != nil {
					return nil, err
				}
				handedOut++
			}
			return nil, nil
		})
		parks := r.parked()
		require.NotEmpty(t, parks)
		assert.Equal(t, park{}, parks[0])
		assert.Equal(t, 1, handedOut)
		items[1].SetResult(1)
		<-task.Done()
		require.NoError(t, task.Err())
		assert.Equal(t, 2, handedOut)
	})
}

func TestLoopOverWhatIsDoneKeepsTheTurn(t *testing.T) {
	for _, name := range []string{"a slice", "a sequence", "a channel"} {
		task, r := queue(t.Context(), func(ctx context.Context) (any, error) {
			for _, err := range waysToIterate[name](ctx, doneWith(t, 1, 2, 3)) {
				if err != nil {
					return nil, err
				}
			}
			return nil, nil
		})
		_ = task.Run()
		require.NoError(t, task.Err())
		assert.Empty(t, r.parked(), name)
	}
}

func TestLoopInAFunctionEndsWithTheFunction(t *testing.T) {
	eachWay(t, func(t *testing.T, iterate func(context.Context, []*promise, ...pending.CompletedOption) promises) {
		p := open(t, 1)[0]
		task, _ := spawn(t.Context(), func(ctx context.Context) (any, error) {
			for _, err := range iterate(ctx, []*promise{p}) {
				return nil, err
			}
			return nil, nil
		})
		task.Cancel(errWhy)
		<-task.Done()
		requireErrors(t, task.Err(), errWhy)
		assert.True(t, p.Cancelled())
	})
}
