package telemetry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// except is a sampler that leaves the spans of a name out.
type except struct{ name string }

func (u except) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	if p.Name == u.name {
		return sdk.SamplingResult{Decision: sdk.Drop}
	}
	return sdk.SamplingResult{Decision: sdk.RecordAndSample}
}

func (u except) Description() string { return "all but " + u.name }

func TestWhatIsBelowACallThatIsNotSampledIsNotEither(t *testing.T) {
	tests := map[string]func(s *scene, fn func(ctx context.Context) error){
		"a call": func(s *scene, fn func(context.Context) error) { s.call(context.Background(), "it", fn) },
		"a delayed call": func(s *scene, fn func(context.Context) error) {
			actors.Schedule(context.Background(), s.caller, func(ctx context.Context) (any, error) { return nil, fn(ctx) },
				actors.Named("it"), actors.Delay(time.Second))
		},
		"an item of a queue": func(s *scene, fn func(context.Context) error) {
			q := actors.NewQueue(s.caller, func(ctx context.Context, _ int) error { return fn(ctx) }, actors.QueueName("it"))
			assert.NoError(t, errors.Join(q.PutContext(s.ctx, 1), q.CloseWait(s.ctx)))
		},
	}
	for name, do := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSceneOf(t, tracetest.NewRecorder(sdk.WithSampler(sdk.ParentBased(except{"it"}))))
				ran := false
				do(s, func(ctx context.Context) error {
					actors.CallLater(ctx, s.caller, time.Second, nothing)
					_, err := actors.ToThread(ctx, s.caller, nothing).Wait(ctx)
					ran = true
					return err
				})
				time.Sleep(time.Minute)
				s.close(t)
				assert.True(t, ran)
				s.AssertTree(t, "root")
			})
		})
	}
}
