package telemetry_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

func TestDelayedCallIsNoChildOfASpanThatHasEnded(t *testing.T) {
	tests := map[string]struct {
		do   func(t *testing.T, s *scene)
		want string
	}{
		"it is linked": {func(t *testing.T, s *scene) {
			s.call(s.ctx, "job", func(ctx context.Context) error {
				actors.CallLater(ctx, s.caller, time.Hour, func(ctx context.Context) (any, error) {
					return s.call(ctx, "below", asleep).Wait(ctx)
				})
				return nil
			})
			time.Sleep(3 * time.Hour)
		}, `
			root
			  job
			telemetry_test.TestDelayedCallIsNoChildOfASpanThatHasEnded.func1.1.1 linked to job [suspended: below, resumed]
			  below [suspended: actors.Sleep, resumed]
		`},
		"it is a child of one that is open": {func(t *testing.T, s *scene) {
			_, err := s.call(s.ctx, "job", func(ctx context.Context) error {
				_, err := actors.Schedule(ctx, s.caller, nothing, actors.Delay(time.Hour), actors.Named("later")).Wait(ctx)
				return err
			}).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  job [suspended: later, resumed]
			    later
		`},
		"cancelled in time it is a moment": {func(t *testing.T, s *scene) {
			actors.Schedule(s.ctx, s.caller, nothing, actors.Delay(time.Hour), actors.Named("later")).Cancel(errBoom)
		}, `
			root
			  later cancelled [cancel requested: boom]
		`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { play(t, tt.want, tt.do) })
	}
}
