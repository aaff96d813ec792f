package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// crawler knows what is to be fetched. Only functions of its caller touch that.
type crawler struct {
	caller *actors.Caller
	store  *store
	client *http.Client
	options

	waiting []string        // the pages to be fetched next
	seen    map[string]bool // those, and all before
	fetched int
}

func newCrawler(c *actors.Caller, s *store, o options) *crawler {
	begin := o.url.String()
	return &crawler{
		caller:  c,
		store:   s,
		client:  newClient(o),
		options: o,
		waiting: []string{begin},
		seen:    map[string]bool{begin: true},
	}
}

func newClient(o options) *http.Client {
	return &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: o.limit, MaxResponseHeaderBytes: 1 << 16},
	}
}

// run crawls, as a function of the crawler's caller. What its workers do are
// members of a group: when the time is over, or somebody presses Ctrl-C, the
// group cancels them and waits until they have returned.
func (c *crawler) run(ctx context.Context) (any, error) {
	defer c.client.CloseIdleConnections()
	return nil, pending.Run(ctx, c.followLinks, pending.WithTimeout(c.timeout))
}

// followLinks fetches pages until there are none left. The loop makes the
// sequence go on as pages are done, never more than limit ahead. It gives the
// turn away while it waits.
func (c *crawler) followLinks(ctx context.Context) error {
	for len(c.waiting) > 0 && c.fetched < c.pages {
		for p, err := range pending.AsCompleted(ctx, c.fetches(ctx), pending.MaxConcurrent(c.limit)) {
			if err != nil {
				return err
			}
			page, _ := p.Result()
			c.note(page.links)
			if err := c.store.pages.PutWait(ctx, page); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetches yields the calls that fetch what is waiting. Pages that the loop comes
// upon meanwhile are among them.
func (c *crawler) fetches(ctx context.Context) iter.Seq[*pending.Pending[page]] {
	return func(yield func(*pending.Pending[page]) bool) {
		for len(c.waiting) > 0 && c.fetched < c.pages {
			next := c.waiting[0]
			c.waiting = c.waiting[1:]
			c.fetched++
			if !yield(actors.ToThread(ctx, c.caller, fetcher(c.client, next))) {
				return
			}
		}
	}
}

// note puts the new links of a page on the list, if they lead to the same host.
// It puts no more there than will be fetched.
func (c *crawler) note(links []string) {
	for _, link := range links {
		if c.fetched+len(c.waiting) == c.pages {
			return
		}
		u, err := url.Parse(link)
		if err != nil || u.Host != c.url.Host || c.seen[link] {
			continue
		}
		c.seen[link] = true
		c.waiting = append(c.waiting, link)
	}
}

// showProgress keeps a line on a terminal up to date, until stop is called.
func (c *crawler) showProgress(ctx context.Context, w io.Writer) (stop func()) {
	const clearLine = "\r\x1b[K"
	if !isTerminal(w) {
		return func() {}
	}
	showing := actors.CallSoon(ctx, c.caller, func(ctx context.Context) (any, error) {
		defer fmt.Fprint(w, clearLine)
		for {
			fmt.Fprintf(w, "%s%d pages fetched, %d waiting, %d to be written",
				clearLine, c.fetched, len(c.waiting), c.store.pages.Len())
			if err := actors.Sleep(ctx, 100*time.Millisecond); err != nil { // gives the turn away
				return nil, err
			}
		}
	})
	return func() { _ = showing.CancelWait(context.Background(), nil) }
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
