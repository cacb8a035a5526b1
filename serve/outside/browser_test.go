package outside

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/serve"
)

// browser is a tab of a browser; without one the test is skipped. Whatever the page says is wrong fails the test,
// such as what its policy does not allow.
func browser(t *testing.T, width, height int64, dark bool) context.Context {
	t.Helper()
	found := ""
	for _, name := range []string{os.Getenv("MEDUSA_BROWSER"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			found = path
			break
		}
	}
	if found == "" {
		t.Skip("there is no Chromium: install one, or say where it is in MEDUSA_BROWSER")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(found), chromedp.NoSandbox, chromedp.WindowSize(int(width), int(height)))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page failed: %v", e.ExceptionDetails)
		case *log.EventEntryAdded:
			if e.Entry.Source == log.SourceSecurity || e.Entry.Source == log.SourceJavascript {
				t.Errorf("the browser says: %s", e.Entry.Text)
			}
		}
	})
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	require.NoError(t, chromedp.Run(ctx, emulation.SetDeviceMetricsOverride(width, height, 2, width < 500),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}})))
	return ctx
}

// text is what an element says.
func text(t *testing.T, ctx context.Context, selector string) (out string) {
	t.Helper()
	require.NoError(t, chromedp.Run(ctx, chromedp.Text(selector, &out, chromedp.ByQuery)))
	return out
}

// value is what an expression of JavaScript comes to.
func value[T any](t *testing.T, ctx context.Context, expression string) (out T) {
	t.Helper()
	require.NoError(t, chromedp.Run(ctx, chromedp.Evaluate(expression, &out)))
	return out
}

// await waits until an expression of JavaScript holds.
func await(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	err := chromedp.Run(ctx, chromedp.Poll(expression, nil, chromedp.WithPollingTimeout(10*time.Second)))
	if err != nil {
		t.Fatalf("%s did not come true: %v\n%s", expression, err, value[string](t, ctx, "document.body.innerText"))
	}
}

// picture writes what the page looks like to the folder MEDUSA_SCREENSHOTS, if there is one.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("MEDUSA_SCREENSHOTS")
	if dir == "" {
		return
	}
	var b []byte
	require.NoError(t, chromedp.Run(ctx, chromedp.Sleep(300*time.Millisecond), chromedp.FullScreenshot(&b, 100)))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".png"), b, 0o644))
}

// choose gives an input for files some.
func choose(t *testing.T, ctx context.Context, selector string, paths ...string) {
	t.Helper()
	require.NoError(t, chromedp.Run(ctx, chromedp.SetUploadFiles(selector, paths, chromedp.ByQuery)))
}

// A gallery is filled, searched, compared in and emptied, with a mouse.
func TestPage(t *testing.T) {
	url, ctx := begin(t, serve.Options{}), browser(t, 1280, 900, false)
	require.NoError(t, chromedp.Run(ctx, chromedp.Navigate(url)))
	await(t, ctx, `document.querySelectorAll('#facts div').length === 4`)

	choose(t, ctx, "#search-files", photo(0, 0))
	await(t, ctx, `!document.getElementById('problem').hidden`)
	assert.Contains(t, text(t, ctx, "#problem"), "the gallery is empty")
	for class := range 4 {
		choose(t, ctx, "#search-files", photo(class, 0), photo(class, 1), photo(class, 2))
		await(t, ctx, `document.querySelectorAll('#queries img').length === 3 && !document.querySelector('[aria-busy]')`)
		require.Equal(t, "Enrol these 3", text(t, ctx, "#enrol-button"))
		require.NoError(t, chromedp.Run(ctx, chromedp.SetValue("#enrol-label", fmt.Sprint("class", class), chromedp.ByQuery), chromedp.Click("#enrol-button", chromedp.ByQuery)))
		await(t, ctx, fmt.Sprintf(`document.querySelector('#facts dd').textContent === '%d' && !document.querySelector('[aria-busy]')`, 3*(class+1)))
	}
	require.True(t, value[bool](t, ctx, `document.getElementById('problem').hidden`))
	require.Equal(t, 4, value[int](t, ctx, `document.querySelectorAll('#labels option').length`))

	choose(t, ctx, "#search-files", photo(2, 3))
	await(t, ctx, `document.querySelectorAll('#hits li').length === 10 && !document.querySelector('[aria-busy]')`)
	await(t, ctx, `[...document.querySelectorAll('#hits img')].slice(0, 4).every(i => i.complete && i.naturalWidth === 192)`)
	require.Equal(t, "class2", value[string](t, ctx, `document.querySelector('#hits b').textContent`))
	require.Contains(t, text(t, ctx, "#decision"), "class2")
	require.Equal(t, "Enrol", text(t, ctx, "#enrol-button"))
	picture(t, ctx, "search")

	require.NoError(t, chromedp.Run(ctx, chromedp.SetValue("#among", "class1", chromedp.ByQuery), chromedp.Evaluate(`document.getElementById('among').dispatchEvent(new Event('change'))`, nil)))
	await(t, ctx, `document.querySelectorAll('#hits li').length === 3`)
	require.NoError(t, chromedp.Run(ctx, chromedp.SetValue("#among", "", chromedp.ByQuery), chromedp.Evaluate(`document.getElementById('among').dispatchEvent(new Event('change'))`, nil)))
	await(t, ctx, `document.querySelectorAll('#hits li').length === 10`)

	require.NoError(t, chromedp.Run(ctx, chromedp.Click("#hits li:last-child .shot", chromedp.ByQuery)))
	await(t, ctx, `document.querySelector('#queries img')?.alt.startsWith('item ') && !document.querySelector('[aria-busy]')`)
	require.True(t, value[bool](t, ctx, `document.getElementById('enrol-form').hidden`), "an item is enrolled already")

	require.NoError(t, chromedp.Run(ctx, chromedp.Click("#hits li .words button", chromedp.ByQuery)))
	require.Equal(t, "really?", text(t, ctx, "#hits li .words button"))
	require.Equal(t, "12", text(t, ctx, "#facts dd"))
	require.NoError(t, chromedp.Run(ctx, chromedp.Click("#hits li .words button", chromedp.ByQuery)))
	await(t, ctx, `document.querySelector('#facts dd').textContent === '11'`)

	choose(t, ctx, `input[data-slot="0"]`, photo(0, 0))
	choose(t, ctx, `input[data-slot="1"]`, photo(0, 0))
	await(t, ctx, `document.getElementById('verdict').textContent === 'The same'`)
	require.Contains(t, text(t, ctx, "#verdict-note"), "A distance of 0.000; the same is less than 0.250, which takes 1 % of the pairs of two classes for one.")
	choose(t, ctx, `input[data-slot="1"]`, photo(1, 0))
	await(t, ctx, `document.getElementById('verdict').textContent === 'Different'`)
	require.NoError(t, chromedp.Run(ctx, chromedp.SetValue("#threshold", "99", chromedp.ByQuery), chromedp.Evaluate(`document.getElementById('threshold').dispatchEvent(new Event('change'))`, nil)))
	await(t, ctx, `document.getElementById('verdict').textContent === 'The same'`)
	picture(t, ctx, "compare")

	text := filepath.Join(t.TempDir(), "<img src=x onerror=alert(1)>.txt")
	require.NoError(t, os.WriteFile(text, []byte("<html>"), 0o644))
	choose(t, ctx, "#search-files", text)
	await(t, ctx, `!document.getElementById('problem').hidden`)
	require.Equal(t, "not a picture: an HTML page", value[string](t, ctx, `document.getElementById('problem').textContent`))
	require.Zero(t, value[int](t, ctx, `document.querySelectorAll('#queries img').length`), "a file that cannot be read is not shown")
	require.True(t, value[bool](t, ctx, `document.getElementById('asked').hidden && document.getElementById('enrol-form').hidden`), "nor can it be enrolled")
	choose(t, ctx, "#search-files", photo(0, 0), text)
	await(t, ctx, `document.querySelectorAll('#queries img').length === 2 && document.getElementById('problem').hidden && !document.querySelector('[aria-busy]')`)
	require.NoError(t, chromedp.Run(ctx, chromedp.Click("#enrol-button", chromedp.ByQuery)))
	await(t, ctx, `document.getElementById('problem').textContent === 'Picture 2: not a picture: an HTML page'`)
	require.Equal(t, "Enrol", value[string](t, ctx, `document.getElementById('enrol-button').textContent`), "the other one can be enrolled")
	require.Equal(t, 1, value[int](t, ctx, `document.querySelectorAll('#queries img').length`))
	choose(t, ctx, `input[data-slot="1"]`, text)
	await(t, ctx, `!document.querySelector('label:has([data-slot="1"]) img')`)
}

// A picture that was deleted behind the server's back is told to be missing, where it would be.
func TestPageWithoutAPicture(t *testing.T) {
	for _, o := range []serve.Options{{}, {Token: "a-token-of-this-test"}} {
		path := filepath.Join(t.TempDir(), "gallery.index")
		url, ctx := beginAt(t, path, o), browser(t, 1280, 900, false)
		require.NoError(t, chromedp.Run(ctx, chromedp.Navigate(url)))
		if o.Token != "" {
			require.NoError(t, chromedp.Run(ctx, chromedp.Evaluate(`sessionStorage.setItem('token', '`+o.Token+`')`, nil), chromedp.Reload()))
		}
		await(t, ctx, `document.querySelectorAll('#facts div').length === 4`)
		r, err := http.NewRequest("POST", url+"/v1/items", bytes.NewReader(drawing(0, 0)))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "image/png")
		r.Header.Set("Authorization", "Bearer "+o.Token)
		w, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		w.Body.Close()
		require.Equal(t, http.StatusCreated, w.StatusCode)
		require.NoError(t, os.RemoveAll(serve.PicturesPath(path)))
		choose(t, ctx, "#search-files", photo(0, 0))
		await(t, ctx, `document.querySelector('#hits .missing')?.textContent === 'the picture of item 1 is not there any more'`)
		picture(t, ctx, "missing")
	}
}

// A label is text, whatever it holds.
func TestPageShowsTextAsText(t *testing.T) {
	url, ctx := begin(t, serve.Options{}), browser(t, 1280, 900, false)
	require.NoError(t, chromedp.Run(ctx, chromedp.Navigate(url)))
	choose(t, ctx, "#search-files", photo(0, 0))
	await(t, ctx, `!document.getElementById('enrol-form').hidden && !document.querySelector('[aria-busy]')`)
	const evil = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`
	require.NoError(t, chromedp.Run(ctx, chromedp.SetValue("#enrol-label", evil, chromedp.ByQuery), chromedp.Click("#enrol-button", chromedp.ByQuery)))
	await(t, ctx, `document.querySelectorAll('#hits li').length === 1`)
	require.Equal(t, evil, value[string](t, ctx, `document.querySelector('#hits b').textContent`))
	require.Equal(t, "Medusa: search by picture", value[string](t, ctx, `document.title`))
}

// Everything is reached by keys alone, each with a focus that is seen.
func TestPageByKeyboard(t *testing.T) {
	url, ctx := begin(t, serve.Options{}), browser(t, 1280, 900, false)
	require.NoError(t, chromedp.Run(ctx, chromedp.Navigate(url)))
	await(t, ctx, `document.querySelectorAll('#facts div').length === 4`)
	choose(t, ctx, "#search-files", photo(0, 0))
	await(t, ctx, `!document.getElementById('enrol-form').hidden && !document.querySelector('[aria-busy]')`)
	reached, enrolled := map[string]bool{}, false
	require.NoError(t, chromedp.Run(ctx, chromedp.Evaluate(`document.activeElement.blur()`, nil)))
	press := func(keys string) {
		t.Helper()
		require.NoError(t, chromedp.Run(ctx, chromedp.KeyEvent(keys)))
	}
	at := func() string {
		return value[string](t, ctx, `(e => e.id || (e.dataset.slot !== undefined ? 'slot' + e.dataset.slot : e.className || e.tagName))(document.activeElement)`)
	}
	for range 20 {
		press(kb.Tab)
		if reached[at()] = true; at() == "BODY" { // between the last and the first
			continue
		}
		outline := value[string](t, ctx, `getComputedStyle(document.activeElement.closest('.drop') || document.activeElement).outlineStyle`)
		assert.NotEqual(t, "none", outline, at())
		if at() == "enrol-label" && !enrolled {
			enrolled = true
			press("cat")
			press(kb.Enter)
			await(t, ctx, `document.querySelectorAll('#hits li').length === 1 && !document.querySelector('[aria-busy]')`)
			require.NoError(t, chromedp.Run(ctx, chromedp.Focus("#enrol-button", chromedp.ByQuery)))
		}
	}
	for _, want := range []string{"search-files", "enrol-label", "count", "among", "shot", "slot0", "slot1", "threshold"} {
		assert.True(t, reached[want], "%s was not reached: %v", want, reached)
	}
	require.NoError(t, chromedp.Run(ctx, chromedp.Focus("#hits .shot", chromedp.ByQuery)))
	press(kb.Enter)
	await(t, ctx, `document.querySelector('#queries img')?.alt === 'item 1'`)
}

// On a telephone, and in the dark, nothing is wider than the screen, and text is told from its ground.
func TestPageOnATelephone(t *testing.T) {
	url := begin(t, serve.Options{})
	for _, c := range []struct {
		name   string
		width  int64
		height int64
		dark   bool
	}{{"wide-light", 1280, 900, false}, {"wide-dark", 1280, 900, true}, {"phone-light", 390, 844, false}, {"phone-dark", 390, 844, true}, {"narrow", 320, 568, false}} {
		ctx := browser(t, c.width, c.height, c.dark)
		require.NoError(t, chromedp.Run(ctx, chromedp.Navigate(url)))
		await(t, ctx, `document.querySelectorAll('#facts div').length === 4`)
		choose(t, ctx, "#search-files", photo(1, 0), photo(1, 1))
		await(t, ctx, `!document.getElementById('enrol-form').hidden && !document.querySelector('[aria-busy]')`)
		require.NoError(t, chromedp.Run(ctx, chromedp.SetValue("#enrol-label", "a rather long label of a thing that nobody knows", chromedp.ByQuery), chromedp.Click("#enrol-button", chromedp.ByQuery)))
		await(t, ctx, `document.querySelectorAll('#hits li').length > 1`)
		choose(t, ctx, `input[data-slot="0"]`, photo(1, 0))
		choose(t, ctx, `input[data-slot="1"]`, photo(2, 0))
		await(t, ctx, `document.getElementById('verdict').className !== 'big'`)
		assert.LessOrEqual(t, value[float64](t, ctx, `document.documentElement.scrollWidth`), float64(c.width), c.name)
		faint := value[[]string](t, ctx, contrast)
		assert.Empty(t, faint, c.name)
		picture(t, ctx, c.name)
	}
}

// contrast lists the texts whose contrast with their ground is below 4.5, which WCAG asks for.
const contrast = `(() => {
	const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
	const rgb = (colour, ground) => {
		canvas.fillStyle = 'rgb(' + ground.join(',') + ')'; canvas.fillRect(0, 0, 1, 1);
		canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
		return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
	};
	const ground = e => e ? rgb(getComputedStyle(e).backgroundColor, ground(e.parentElement)) : [255, 255, 255];
	const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
	const faint = [];
	for (const e of document.querySelectorAll('body *')) {
		const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
		if (!own || !e.offsetParent || e.closest('noscript')) continue;
		const under = ground(e), a = light(rgb(getComputedStyle(e).color, under)), b = light(under);
		if ((Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5) faint.push(e.tagName + ' ' + e.textContent.trim().slice(0, 30));
	}
	return faint;
})()`

// A server with a token is used with it, thumbnails as well.
func TestPageWithAToken(t *testing.T) {
	const token = "a token of this test"
	url, ctx := begin(t, serve.Options{Token: token}), browser(t, 1280, 900, false)
	require.NoError(t, chromedp.Run(ctx, chromedp.Navigate(url)))
	await(t, ctx, `!document.getElementById('token-form').hidden`)
	picture(t, ctx, "token")
	require.NoError(t, chromedp.Run(ctx, chromedp.SendKeys("#token", "another one of that length"+kb.Enter, chromedp.ByQuery)))
	await(t, ctx, `!document.getElementById('token-form').hidden && !document.querySelector('[aria-busy]')`)
	require.NoError(t, chromedp.Run(ctx, chromedp.Evaluate(`document.getElementById('token').value = ''`, nil), chromedp.SendKeys("#token", token+kb.Enter, chromedp.ByQuery)))
	await(t, ctx, `document.querySelectorAll('#facts div').length === 4`)
	choose(t, ctx, "#search-files", photo(0, 0))
	await(t, ctx, `!document.getElementById('enrol-form').hidden && !document.querySelector('[aria-busy]')`)
	require.NoError(t, chromedp.Run(ctx, chromedp.Click("#enrol-button", chromedp.ByQuery)))
	await(t, ctx, `document.querySelector('#hits img')?.naturalWidth === 192`)
}

// What is dropped or pasted is searched for.
func TestPageTakesWhatIsDroppedAndPasted(t *testing.T) {
	url, ctx := begin(t, serve.Options{}), browser(t, 1280, 900, false)
	require.NoError(t, chromedp.Run(ctx, chromedp.Navigate(url)))
	await(t, ctx, `document.querySelectorAll('#facts div').length === 4`)
	give := func(event, target, property string) {
		t.Helper()
		require.NoError(t, chromedp.Run(ctx, chromedp.Evaluate(fmt.Sprintf(`(async () => {
			const canvas = Object.assign(document.createElement('canvas'), { width: 30, height: 30 });
			canvas.getContext('2d').fillRect(3, 3, 9, 9);
			const blob = await new Promise(done => canvas.toBlob(done));
			const data = new DataTransfer();
			data.items.add(new File([blob], 'canvas.png', { type: 'image/png' }));
			%s.dispatchEvent(new %s('%s', { bubbles: true, cancelable: true, %s: data }));
		})()`, target, map[string]string{"drop": "DragEvent", "paste": "ClipboardEvent"}[event], event, property), nil)))
	}
	for _, c := range [][3]string{{"paste", "document.body", "clipboardData"}, {"drop", "document.getElementById('search-drop')", "dataTransfer"}, {"drop", "document.querySelector('footer')", "dataTransfer"}} {
		require.NoError(t, chromedp.Run(ctx, chromedp.Evaluate(`document.getElementById('queries').replaceChildren()`, nil)))
		give(c[0], c[1], c[2])
		await(t, ctx, `document.querySelectorAll('#queries img[alt="canvas.png"]').length === 1 && !document.querySelector('[aria-busy]')`)
	}
	give("drop", `document.querySelectorAll('.slot')[1]`, "dataTransfer")
	await(t, ctx, `document.querySelectorAll('.slot')[1].querySelector('img')?.alt === 'canvas.png'`)
}
