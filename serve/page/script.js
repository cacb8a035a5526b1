'use strict';

const $ = id => document.getElementById(id);
const state = { info: null, pictures: [], chosen: 0, pair: [null, null], asked: 0 };
const number = x => x < 10 ? x.toFixed(3) : x.toFixed(1);

// element makes one; children are elements or texts.
function element(name, properties, ...children) {
  const e = Object.assign(document.createElement(name), properties);
  e.append(...children);
  return e;
}

// ask sends a request with the token, if there is one, and returns the answer, or throws an Error whose message is for
// people, with the code of the problem and the number of the picture that is meant.
async function ask(path, options = {}) {
  const headers = new Headers(options.headers), token = sessionStorage.getItem('token');
  if (token) headers.set('Authorization', 'Bearer ' + token);
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch {
    throw new Error('The server does not answer. Is it still running?');
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({ detail: response.statusText }));
  if (response.status === 401) {
    wantToken();
    throw new Error(token ? 'That is not the token of this server.' : '');
  }
  const which = problem.picture && state.pictures.length > 1 ? `Picture ${problem.picture}: ` : '';
  throw Object.assign(new Error(which + problem.detail), { code: problem.code, picture: problem.picture });
}

const json = async (path, options) => (await ask(path, options)).json();

// post sends pictures and parameters as a form.
function post(path, pictures, parameters) {
  const form = new FormData();
  for (const [name, value] of Object.entries(parameters)) if (value !== '') form.append(name, value);
  for (const p of pictures) form.append('picture', p);
  return json(path, { method: 'POST', body: form });
}

// tell shows a problem, or takes it away.
function tell(message) {
  $('problem').textContent = message;
  $('problem').hidden = !message;
}

// attempt does something, and shows what went wrong.
async function attempt(part, what) {
  part.classList.add('busy');
  part.setAttribute('aria-busy', 'true');
  try {
    tell('');
    await what();
  } catch (error) {
    tell(error.message);
  } finally {
    part.classList.remove('busy');
    part.removeAttribute('aria-busy');
  }
}

function wantToken() {
  $('token-form').hidden = false;
  $('token').focus();
}

$('token-form').addEventListener('submit', event => {
  event.preventDefault();
  sessionStorage.setItem('token', $('token').value.trim());
  $('token-form').hidden = true;
  load();
});

// load asks what is served, and shows it.
const load = () => attempt($('facts'), async () => {
  state.info = await json('v1/info');
  const { model, gallery } = state.info;
  const facts = [['Items', gallery.items.toLocaleString('en')], ['Numbers of an embedding', model.size]];
  if (state.info.threshold) facts.push(['Same below', number(state.info.threshold)]);
  facts.push(['Model', model.fingerprint.slice(0, 8)]);
  $('facts').replaceChildren(...facts.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, String(value)))));
  $('threshold').placeholder = state.info.threshold ? number(state.info.threshold) : 'none';
  const { labels } = await json('v1/labels');
  $('labels').replaceChildren(...labels.slice(0, 1000).map(l => element('option', { value: l.label })));
  const chosen = $('among').value;
  $('among').replaceChildren(element('option', { value: '' }, 'all labels'),
    ...labels.slice(0, 1000).map(l => element('option', { value: l.label }, `${l.label} (${l.items})`)));
  $('among').value = labels.some(l => l.label === chosen) ? chosen : '';
  $('enrol-form').hidden = gallery.read_only;
});

// take takes pictures to search for.
function take(files) {
  const pictures = [...files];
  if (!pictures.length) return;
  state.pictures = pictures;
  state.chosen = 0;
  $('enrol-label').value = ''; // that of other pictures
  offer();
  search();
}

// isUnreadable tells whether a problem is that of a file that is no picture, which is of no use.
const isUnreadable = error => ['unreadable_picture', 'too_many_pixels'].includes(error.code);

// drop takes an unreadable picture away; the others stay, to be chosen or enrolled.
function drop(at) {
  state.pictures.splice(at, 1);
  state.chosen = -1;
  offer();
}

// offer shows the pictures that were given.
function offer() {
  const { pictures } = state;
  $('asked').hidden = !pictures.length;
  $('enrol-form').hidden = state.info?.gallery.read_only || !pictures.length;
  for (const img of $('queries').querySelectorAll('img')) URL.revokeObjectURL(img.src);
  $('queries').replaceChildren(...pictures.map((p, i) => {
    const button = element('button', { type: 'button', title: p.name }, preview(p));
    button.addEventListener('click', () => { state.chosen = i; search(); });
    return button;
  }));
  $('enrol-button').textContent = pictures.length > 1 ? `Enrol these ${pictures.length}` : 'Enrol';
}

// preview shows a file; one that the browser cannot show has its name alone.
function preview(file) {
  return element('img', { src: URL.createObjectURL(file), alt: file.name || 'pasted picture' });
}

const search = () => {
  [...$('queries').children].forEach((b, i) => b.setAttribute('aria-pressed', i === state.chosen));
  const picture = state.pictures[state.chosen];
  if (picture) return find(() => post('v1/search', [picture], parameters()));
};

const parameters = () => ({ k: $('count').value, labels: $('among').value });

// like searches for the neighbours of an item.
const like = id => {
  state.pictures = [];
  $('asked').hidden = false;
  $('queries').replaceChildren(thumbnail(`/v1/items/${id}/thumbnail`, `item ${id}`));
  $('enrol-form').hidden = true;
  const { k, labels } = parameters();
  find(() => json('v1/search', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ id, k: +k, labels: labels ? [labels] : undefined }) }));
  $('search-title').scrollIntoView();
};

// find shows what a search finds, unless another one has begun since.
const find = request => attempt($('hits'), async () => {
  const mine = ++state.asked;
  $('enrol-form').hidden = state.info?.gallery.read_only || !state.pictures.length;
  let answer;
  try {
    answer = await request();
  } catch (error) {
    if (mine === state.asked) {
      show({ hits: [] }, 0);
      if (isUnreadable(error)) drop(state.chosen);
    }
    throw error;
  }
  if (mine === state.asked) show(answer.results[0], answer.items);
});

function show(result, items) {
  const d = result.decision, line = $('decision');
  line.className = 'decision' + (d?.rejected ? ' no' : '');
  line.replaceChildren();
  if (d) {
    const why = d.threshold ? `${number(d.distance)} from the nearest “${d.label}”; the same is less than ${number(d.threshold)}` : `${number(d.distance)} from the nearest; no threshold is known`;
    line.append(d.rejected ? 'Unknown' : d.label, element('span', {}, why));
  }
  $('hits').replaceChildren(...result.hits.map(h => card(h, d?.threshold)));
  $('hits-note').hidden = result.hits.length > 0 || !items;
  $('hits-note').textContent = 'No item is among those that were asked for.';
}

// card is a neighbour.
function card(hit, threshold) {
  const near = threshold && hit.distance < threshold;
  const name = hit.label || `item ${hit.id}`;
  const shot = element('button', { type: 'button', className: 'shot', title: 'Search for what is like this' });
  shot.setAttribute('aria-label', `${name}, distance ${number(hit.distance)}: search for what is like this`);
  if (hit.thumbnail) shot.append(thumbnail(hit.thumbnail, ''));
  shot.addEventListener('click', () => like(hit.id));
  const words = element('div', { className: 'words' }, element('b', {}, name), element('span', { className: 'distance' + (near ? ' near' : '') }, number(hit.distance)));
  if (state.info && !state.info.gallery.read_only) words.append(deletion(hit));
  const file = (hit.path || '').split(/[\\/]/).pop();
  if (file && file.split('.')[0] !== hit.id) words.append(element('span', { className: 'path', title: hit.path }, file));
  return element('li', { className: 'card' + (near ? ' near' : '') }, shot, words);
}

// thumbnail is a picture of the server's; with a token it cannot be asked for by an address alone.
function thumbnail(path, alt) {
  const img = element('img', { alt, loading: 'lazy' });
  const missing = error => img.replaceWith(element('span', { className: 'missing' }, error?.message || 'the picture could not be shown'));
  if (!sessionStorage.getItem('token')) {
    img.addEventListener('error', () => ask(path.slice(1)).then(() => missing(), missing)); // which says why
    img.src = path.slice(1);
    return img;
  }
  img.addEventListener('error', () => missing());
  ask(path.slice(1)).then(r => r.blob()).then(b => { img.src = URL.createObjectURL(b); }).catch(missing);
  img.addEventListener('load', () => URL.revokeObjectURL(img.src));
  return img;
}

// deletion is a button that deletes an item when it is pressed twice.
function deletion(hit) {
  const button = element('button', { type: 'button' }, 'delete');
  button.setAttribute('aria-label', `delete ${hit.label || 'item'} ${hit.id}`);
  button.addEventListener('blur', () => { button.className = ''; button.textContent = 'delete'; });
  button.addEventListener('click', () => {
    if (button.className !== 'sure') {
      button.className = 'sure';
      button.textContent = 'really?';
      button.setAttribute('aria-label', `really delete ${hit.label || 'item'} ${hit.id}?`);
      return;
    }
    attempt($('hits'), async () => {
      await ask(`v1/items/${hit.id}`, { method: 'DELETE' });
      button.closest('li').remove();
      await load();
    });
  });
  return button;
}

$('enrol-form').addEventListener('submit', event => {
  event.preventDefault();
  attempt($('enrol-form'), async () => {
    const label = $('enrol-label').value.trim();
    const { items } = await post('v1/items', state.pictures, { label }).catch(error => {
      if (isUnreadable(error)) drop((error.picture || 1) - 1);
      throw error;
    });
    await load();
    await search();
    $('decision').append(element('span', {}, items.length > 1 ? `${items.length} pictures were enrolled` : `enrolled as item ${items[0].id}`));
  });
});

// compare compares two pictures, once both are there.
const compare = () => attempt(document.querySelector('.compare'), async () => {
  if (!state.pair[0] || !state.pair[1]) return;
  const verdict = $('verdict');
  verdict.className = 'big';
  verdict.textContent = '–';
  const a = await post('v1/verify', state.pair, { threshold: $('threshold').value }).catch(error => {
    if (isUnreadable(error)) vacate(error.picture - 1);
    throw error;
  });
  verdict.className = 'big ' + (a.same ? 'yes' : 'no');
  verdict.textContent = a.same ? 'The same' : 'Different';
  $('verdict-note').textContent = `A distance of ${number(a.distance)}; the same is less than ${number(a.threshold)}` +
    (a.far ? `, which takes ${+(100 * a.far).toPrecision(3)} % of the pairs of two classes for one.` : '.');
});

// vacate takes an unreadable picture out of its place.
function vacate(slot) {
  const place = document.querySelector(`input[data-slot="${slot}"]`).closest('label');
  state.pair[slot] = null;
  place.querySelector('img')?.remove();
  place.classList.remove('has-picture');
}

// accept gives a place the pictures that are chosen for it or dropped on it.
function accept(place, input, then) {
  input.addEventListener('change', () => { then([...input.files]); input.value = ''; });
  place.addEventListener('dragover', event => { event.preventDefault(); place.classList.add('over'); });
  place.addEventListener('dragleave', () => place.classList.remove('over'));
  place.addEventListener('drop', event => {
    event.preventDefault();
    event.stopPropagation();
    place.classList.remove('over');
    then([...event.dataTransfer.files]);
  });
}

accept($('search-drop'), $('search-files'), take);
for (const input of document.querySelectorAll('input[data-slot]')) {
  const place = input.closest('label');
  accept(place, input, ([file]) => {
    if (!file) return;
    state.pair[+input.dataset.slot] = file;
    place.querySelector('img')?.remove();
    place.append(preview(file));
    place.classList.add('has-picture');
    compare();
  });
}
document.addEventListener('dragover', event => event.preventDefault());
document.addEventListener('drop', event => { event.preventDefault(); take(event.dataTransfer.files); });
document.addEventListener('paste', event => take([...event.clipboardData.files].filter(f => f.type.startsWith('image/'))));
$('count').addEventListener('change', search);
$('among').addEventListener('change', search);
$('threshold').addEventListener('change', compare);
load();
