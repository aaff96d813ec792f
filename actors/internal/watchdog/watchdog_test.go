package watchdog

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// subject takes turns when it is told to.
type subject struct {
	mark  Mark
	dog   *Watchdog
	limit time.Duration

	mu       sync.Mutex
	busy     bool
	waiting  bool
	began    time.Time
	looks    int
	reported []time.Duration // how long the turns have lasted really
}

func newSubject(w *Watchdog, limit time.Duration) *subject {
	return &subject{dog: w, limit: limit}
}

func (s *subject) Mark() *Mark          { return &s.mark }
func (s *subject) Watchdog() *Watchdog  { return s.dog }
func (s *subject) Limit() time.Duration { return s.limit }

func (s *subject) Look() (busy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	if !s.busy {
		s.mark.Reset()
	}
	return s.busy
}

func (s *subject) Overdue(t Turn) (report func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.busy || !s.waiting || !s.mark.Unchanged() {
		return nil
	}
	lasted := time.Since(s.began)
	if lasted < t.Lasted || t.Lasted < s.limit || t.Since.Before(s.began) {
		panic(fmt.Sprint(lasted, t, s.limit))
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reported = append(s.reported, lasted)
	}
}

func (s *subject) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	Begin(&s.mark, s)
	s.busy, s.began = true, time.Now()
}

func (s *subject) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
}

// waits has something wait for the turn.
func (s *subject) waits() {
	s.waitsUnknown()
	Waits(&s.mark, s)
}

// waitsUnknown has something wait for the turn that does not say so.
func (s *subject) waitsUnknown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = true
}

func (s *subject) seen() (looks int, reported []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks, s.reported
}

func (w *Watchdog) state() (armed bool, entries int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.armed, len(w.subjects)
}

const limit = 8 * time.Second

func TestTurnIsReportedOnceBetweenItsLimitAndFiveQuartersOfIt(t *testing.T) {
	for _, others := range []time.Duration{0, limit / 7, limit / 2, limit, 3 * limit} {
		for offset := time.Duration(0); offset < limit/2; offset += 97 * time.Millisecond {
			synctest.Test(t, func(t *testing.T) {
				var w Watchdog
				if others > 0 { // which have the timer run, at their own pace
					other := newSubject(&w, others)
					other.begin()
					defer other.end()
				}
				time.Sleep(offset)
				s := newSubject(&w, limit)
				s.begin()
				s.waits()
				time.Sleep(limit - 1)
				synctest.Wait()
				_, early := s.seen()
				assert.Empty(t, early)
				time.Sleep(1 + limit/4)
				synctest.Wait()
				_, reported := s.seen()
				assert.Len(t, reported, 1, offset)
				time.Sleep(100 * limit)
				_, reported = s.seen()
				assert.Len(t, reported, 1)
			})
		}
	}
}

func TestShortTurnsAreNotReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Watchdog
		s := newSubject(&w, limit)
		s.waits()
		for range 100 {
			s.begin()
			time.Sleep(limit - 1)
			s.end()
		}
		for range 100 { // one right after the other
			s.begin()
			time.Sleep(limit - 1)
		}
		s.end()
		_, reported := s.seen()
		assert.Empty(t, reported)
	})
}

func TestEachLongTurnIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Watchdog
		s := newSubject(&w, limit)
		s.waits()
		for n := range 5 {
			s.begin()
			time.Sleep(2 * limit)
			_, reported := s.seen()
			assert.Len(t, reported, n+1)
		}
		s.end()
	})
}

func TestNothingIsLookedAtWhenNothingGoesOn(t *testing.T) {
	tests := map[string]func(s *subject){
		"idle": func(s *subject) {
			s.begin()
			s.end()
		},
		"long turn that nothing waits for": func(s *subject) { s.begin() },
		"turn that was reported": func(s *subject) {
			s.begin()
			s.waits()
		},
		"turn that began after one that was reported": func(s *subject) {
			s.begin()
			s.waits()
			time.Sleep(2 * limit)
			s.begin()
		},
	}
	for name, do := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w Watchdog
				s := newSubject(&w, limit)
				do(s)
				time.Sleep(2 * limit)
				before, _ := s.seen()
				armed, _ := w.state()
				assert.False(t, armed)
				time.Sleep(1000 * limit)
				after, _ := s.seen()
				assert.Equal(t, before, after)
				w.mu.Lock()
				defer w.mu.Unlock()
				assert.LessOrEqual(t, w.timer, 2*(looksPerLimit+1))
			})
		})
	}
}

func TestIdleSubjectIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Watchdog
		subjects := []*subject{newSubject(&w, limit), newSubject(&w, 2*limit)}
		for _, s := range subjects {
			s.begin()
			s.end()
		}
		_, known := w.state()
		assert.Equal(t, 2, known)
		time.Sleep(limit)
		_, known = w.state()
		assert.Zero(t, known)
		for _, s := range subjects { // one with a timer, and one without
			s.begin()
			Forget(s)
			s.end()
			time.Sleep(limit)
			_, known = w.state()
			assert.Zero(t, known)
		}
		hanging := newSubject(&w, limit)
		hanging.begin()
		time.Sleep(2 * limit)
		_, known = w.state()
		assert.Equal(t, 1, known)
		Forget(hanging)
		_, known = w.state()
		assert.Zero(t, known)
	})
}

func TestWhatBeginsToWaitLaterHasTheTurnReported(t *testing.T) {
	tests := map[string]func(w *Watchdog, s *subject){
		"at the subject": func(_ *Watchdog, s *subject) { s.waits() },
		"elsewhere, on a turn that has begun since": func(w *Watchdog, s *subject) {
			other := newSubject(w, limit)
			other.begin()
			s.waitsUnknown()
			other.end()
		},
		"elsewhere, without a turn": func(w *Watchdog, s *subject) {
			s.waitsUnknown()
			w.Wake()
		},
		"elsewhere, on turns that are not watched": func(w *Watchdog, s *subject) {
			other := newSubject(w, 0)
			other.mark.Off()
			other.begin()
			s.waitsUnknown()
			Waits(&other.mark, other)
		},
	}
	for name, wait := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w Watchdog
				s := newSubject(&w, limit)
				s.begin()
				time.Sleep(100 * limit)
				synctest.Wait()
				wait(&w, s)
				time.Sleep(limit / 4)
				_, reported := s.seen()
				assert.Len(t, reported, 1)
				time.Sleep(100 * limit)
				armed, _ := w.state()
				assert.False(t, armed)
			})
		})
	}
}

// A wait that begins while the watchdog looks may have been missed by the look.
func TestWhatHappensDuringALookHasAnotherOneFollow(t *testing.T) {
	tests := map[string]func(w *Watchdog, long, short *subject){
		"a turn of a new subject":     func(_ *Watchdog, _, short *subject) { Begin(&short.mark, short) },
		"another turn of the subject": func(_ *Watchdog, long, _ *subject) { Begin(&long.mark, long) },
		"a wait":                      func(_ *Watchdog, long, _ *subject) { Waits(&long.mark, long) },
	}
	for name, happens := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w Watchdog
				long, short := newSubject(&w, limit), newSubject(&w, limit)
				long.begin()
				time.Sleep(10 * limit)
				w.mu.Lock()
				w.arm()
				timer := w.timer
				w.mu.Unlock()
				subjects, ok := w.beginLook(timer)
				assert.True(t, ok)
				assert.Len(t, subjects, 1)
				l := look{now: time.Now(), floor: millis(11 * limit / time.Millisecond)}
				assert.True(t, l.at(subjects[0]))
				assert.False(t, l.live)
				happens(&w, long, short)
				w.endLook(subjects, l)
				armed, _ := w.state()
				assert.True(t, armed)
			})
		})
	}
}

func TestManySubjectsAtOnce(t *testing.T) {
	var w Watchdog
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s := newSubject(&w, time.Microsecond)
			for range 1000 {
				s.begin()
				s.waits()
				s.end()
			}
			Forget(s)
		})
	}
	wg.Wait()
	for {
		if armed, known := w.state(); !armed && known == 0 {
			break
		}
		runtime.Gosched()
	}
}

// What a look costs bounds how soon the next one comes.
func TestLongLooksAreFollowedByLongPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const long = time.Second
		var surveys atomic.Int32
		w := Watchdog{Survey: func() any {
			time.Sleep(long)
			return surveys.Add(1)
		}}
		subjects := []*surveyor{{subject: newSubject(&w, limit)}, {subject: newSubject(&w, limit)}}
		for _, s := range subjects {
			Begin(&s.mark, s)
			s.busy, s.began = true, time.Now()
		}
		begin := time.Now()
		for time.Since(begin) < 20*pauseFactor*long { // others have the timer run
			other := newSubject(&w, limit)
			other.begin()
			other.end()
			time.Sleep(limit / 20)
		}
		assert.InDelta(t, 19, surveys.Load(), 2)
		time.Sleep(2 * pauseFactor * long) // until no timer runs
		for _, s := range subjects {
			s.mu.Lock()
			assert.Len(t, s.seen, int(surveys.Load()), "one look has one survey")
			s.mu.Unlock()
		}
	})
}

// surveyor has a turn that nothing waits for.
type surveyor struct {
	*subject
	seen []any
}

func (s *surveyor) Overdue(t Turn) (report func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, t.Survey())
	return nil
}

func TestBeginAllocatesNothing(t *testing.T) {
	var w Watchdog
	s := newSubject(&w, time.Hour)
	Begin(&s.mark, s)
	assert.Zero(t, testing.AllocsPerRun(100, func() { Begin(&s.mark, s) }))
	Forget(s)
}

// Milliseconds are counted in 32 bits.
func TestTurnMayBeginBeforeTheClockOverflows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Watchdog
		s := newSubject(&w, limit)
		s.begin()
		s.end()
		time.Sleep(1<<32*time.Millisecond - limit/2)
		s.begin()
		s.waits()
		time.Sleep(5 * limit / 4)
		_, reported := s.seen()
		assert.Len(t, reported, 1)
		s.end()
	})
}
