package actors_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// A crawler finds its work while it works. Each page that is found becomes a member of the
// group, so the group ends when no work is left. MaxWorkers bounds how many pages are fetched
// at a time.
func Example_frontier() {
	ctx := context.Background()
	crawler, _ := actors.Start(actor.NewActorSystem(quiet), props.MaxWorkers(4))
	defer crawler.Stop()

	site := map[string][]string{"/": {"/a", "/b"}, "/a": {"/b", "/c"}, "/b": {"/"}}
	fetch := func(path string) func(context.Context) ([]string, error) { // runs on a worker
		return func(context.Context) ([]string, error) { return site[path], nil }
	}

	seen := map[string]bool{} // used on the crawler's turns alone
	var visit func(ctx context.Context, path string)
	visit = func(ctx context.Context, path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		actors.CallSoon(ctx, crawler, actors.NoResult(func(ctx context.Context) error {
			links, err := actors.ToThread(ctx, crawler, fetch(path)).Wait(ctx) // others visit meanwhile
			for _, link := range links {
				visit(ctx, link)
			}
			return err // the first error cancels the rest
		}))
	}

	err := actors.Do(ctx, crawler, func(ctx context.Context) error {
		return pending.Run(ctx, func(ctx context.Context) error {
			visit(ctx, "/")
			return nil
		})
	})
	var paths []string
	for path := range seen {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	fmt.Println(paths, err)
	// Output: [/ /a /b /c] <nil>
}
