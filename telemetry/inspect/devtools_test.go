package inspect_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// browserTime bounds one step of the browser, on a machine that does much else.
const browserTime = 2 * time.Minute

// browser is a page in a headless Chromium, steered by the DevTools protocol on two pipes.
type browser struct {
	t       testing.TB
	in      io.Writer
	session string

	mu      sync.Mutex
	last    int
	answers map[int]chan answer
	loaded  chan struct{}
	errors  []string // of the console
}

type answer struct {
	ID        int
	Method    string
	Params    json.RawMessage
	Result    json.RawMessage
	Error     *struct{ Message string }
	SessionID string
}

// newBrowser starts the Chromium that the environment names. The test is skipped if it names
// none.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	program := os.Getenv("CHROMIUM")
	if program == "" {
		t.Skip("needs a Chromium: CHROMIUM=/usr/bin/chromium AXE=folder/axe.min.js go test ./telemetry/inspect")
	}
	theirIn, ourIn, err := os.Pipe()
	require.NoError(t, err)
	ourOut, theirOut, err := os.Pipe()
	require.NoError(t, err)
	command := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	command.ExtraFiles = []*os.File{theirIn, theirOut}
	require.NoError(t, command.Start())
	require.NoError(t, theirIn.Close())
	require.NoError(t, theirOut.Close())

	b := &browser{t: t, in: ourIn, answers: make(map[int]chan answer), loaded: make(chan struct{}, 1)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b.read(ourOut)
	}()
	t.Cleanup(func() {
		b.session = ""
		b.do("Browser.close", nil, nil)
		_ = ourIn.Close()
		_ = command.Wait()
		<-read
		_ = ourOut.Close()
	})
	var target struct{ TargetID string }
	b.do("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	b.do("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.do(domain+".enable", nil, nil)
	}
	return b
}

// read takes what the browser says.
func (b *browser) read(out io.Reader) {
	for r := bufio.NewReader(out); ; {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var a answer
		if json.Unmarshal(text[:len(text)-1], &a) != nil {
			continue
		}
		b.mu.Lock()
		switch ch := b.answers[a.ID]; {
		case ch != nil:
			ch <- a
			delete(b.answers, a.ID)
		case a.Method == "Page.loadEventFired":
			select {
			case b.loaded <- struct{}{}:
			default:
			}
		case isConsoleError(a):
			b.errors = append(b.errors, string(a.Params))
		}
		b.mu.Unlock()
	}
}

func isConsoleError(a answer) bool {
	var p struct {
		Type  string
		Entry struct{ Level string }
	}
	_ = json.Unmarshal(a.Params, &p)
	switch a.Method {
	case "Runtime.exceptionThrown":
		return true
	case "Runtime.consoleAPICalled":
		return p.Type == "error" || p.Type == "warning" || p.Type == "assert"
	case "Log.entryAdded":
		return p.Entry.Level == "error" || p.Entry.Level == "warning"
	}
	return false
}

// do has the browser do something. result may be nil.
func (b *browser) do(method string, params, result any) {
	b.t.Helper()
	ch := make(chan answer, 1)
	b.mu.Lock()
	b.last++
	message := map[string]any{"id": b.last, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	b.answers[b.last] = ch
	b.mu.Unlock()
	text, err := json.Marshal(message)
	require.NoError(b.t, err)
	_, err = b.in.Write(append(text, 0))
	require.NoError(b.t, err)
	select {
	case a := <-ch:
		require.Nil(b.t, a.Error, method)
		if result != nil {
			require.NoError(b.t, json.Unmarshal(a.Result, result))
		}
	case <-time.After(browserTime):
		require.FailNow(b.t, "the browser does not answer", method)
	}
}

// open shows an address, and returns when the page is loaded.
func (b *browser) open(url string) {
	b.t.Helper()
	select {
	case <-b.loaded:
	default:
	}
	b.do("Page.navigate", map[string]any{"url": url}, nil)
	b.waitLoaded(url)
}

func (b *browser) waitLoaded(what string) {
	b.t.Helper()
	select {
	case <-b.loaded:
	case <-time.After(browserTime):
		require.FailNow(b.t, "the page is not loaded", what)
	}
}

// click clicks on the link or button with a text, and returns when the next page is loaded.
func (b *browser) click(text string) {
	b.t.Helper()
	require.Equal(b.t, "true", b.run(fmt.Sprintf(`(() => {
		const at = [...document.querySelectorAll("a, button")].find(e => e.textContent.trim() === %q);
		if (at) setTimeout(() => at.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true})), 0);
		return String(!!at);
	})()`, text)), "there is nothing to click on: %s", text)
	b.waitLoaded(text)
}

// run runs a script in the page, and returns the text that it has as a value or promises.
func (b *browser) run(script string) string {
	b.t.Helper()
	var got struct {
		Result           struct{ Value string }
		ExceptionDetails json.RawMessage
	}
	b.do("Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true}, &got)
	require.Empty(b.t, string(got.ExceptionDetails), script[:min(len(script), 500)])
	return got.Result.Value
}

// wait returns when a script is true.
func (b *browser) wait(script string) {
	b.t.Helper()
	b.run(fmt.Sprintf(`new Promise(resolve => {
		const look = () => (%s) ? resolve("") : setTimeout(look, 50);
		look();
	})`, script))
}

// size sets the size of the window, in CSS pixels, and how it looks.
func (b *browser) size(width, height int, scheme string) {
	b.t.Helper()
	b.do("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
	}, nil)
	b.do("Emulation.setEmulatedMedia", map[string]any{
		"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}},
	}, nil)
}

// picture returns the window as a PNG.
func (b *browser) picture() []byte {
	b.t.Helper()
	var got struct{ Data string }
	b.do("Page.captureScreenshot", map[string]any{"format": "png", "optimizeForSpeed": false}, &got)
	png, err := base64.StdEncoding.DecodeString(got.Data)
	require.NoError(b.t, err)
	return png
}

// requireNoErrors requires that the console has no errors since the last time.
func (b *browser) requireNoErrors(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, strings.Join(b.errors, "\n"), where)
}
