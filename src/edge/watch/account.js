// Who is signed in: a line in the header, and a dialog to sign in or to make an account.
const header = document.querySelector('.bar');

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function button(text, act, kind = 'button') {
  const made = element('button', { type: kind, class: 'plain-button' }, text);
  if (act) made.addEventListener('click', act);
  return made;
}

const who = element('p', { class: 'who', role: 'status', id: 'who' });
const signIn = button('Sign in', () => open('login'));
const logOut = button('Log out', () => end('logout'));
const everywhere = button('Log out everywhere', () => end('logout-everywhere'));
everywhere.title = 'Ends every log-in of this account, on all devices';
const trouble = element('p', { class: 'trouble', role: 'alert' });
header.append(element('span', { class: 'space' }), trouble, who, signIn, logOut, everywhere);

const name = element('input', {
  id: 'account-name', name: 'name', required: '', minlength: '3', maxlength: '24',
  autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false',
});
const password = element('input', {
  id: 'account-password', name: 'password', type: 'password', required: '', maxlength: '128',
  'aria-describedby': 'account-hint',
});
const role = element('select', { id: 'account-role', name: 'role' },
  element('option', { value: 'viewer' }, 'to watch'),
  element('option', { value: 'streamer' }, 'to stream'));
const roleRow = element('div', { class: 'row' }, element('label', { for: 'account-role' }, 'I am here'), role);
const title = element('h2', { id: 'account-title' });
const hint = element('p', { id: 'account-hint', class: 'plain' });
const refused = element('p', { class: 'trouble', role: 'alert', id: 'account-error' });
const send = button('', null, 'submit');
const other = button('', () => set(mode === 'login' ? 'register' : 'login'));
const form = element('form', { 'aria-labelledby': 'account-title' }, title,
  element('div', { class: 'row' }, element('label', { for: 'account-name' }, 'Name'), name),
  element('div', { class: 'row' }, element('label', { for: 'account-password' }, 'Password'), password),
  roleRow, hint, refused,
  element('div', { class: 'acts' }, send, other, button('Close', () => dialog.close())));
const dialog = element('dialog', { class: 'account', 'aria-labelledby': 'account-title' }, form);
document.body.append(dialog);

let mode = 'login';
let registration = 'closed';

/** Which of the two the dialog does. */
function set(wanted) {
  mode = wanted;
  const login = mode === 'login';
  title.textContent = login ? 'Sign in' : 'Make an account';
  send.textContent = login ? 'Sign in' : 'Make the account';
  other.textContent = login ? 'Make an account instead' : 'Sign in instead';
  other.hidden = registration === 'closed';
  roleRow.hidden = login || registration !== 'streamers';
  hint.textContent = login ? '' : 'At least 8 characters. The longer the better; a sentence is fine.';
  password.autocomplete = login ? 'current-password' : 'new-password';
  if (login) password.removeAttribute('minlength');
  else password.setAttribute('minlength', '8');
  refused.textContent = '';
}

function open(wanted) {
  set(wanted);
  dialog.showModal();
  name.focus();
}

function show(visitor) {
  registration = visitor.registration;
  const account = visitor.account;
  who.textContent = account ? 'Signed in as ' + account.name : '';
  signIn.hidden = Boolean(account);
  logOut.hidden = everywhere.hidden = !account;
}

/** Asks the server; answers what it said, or throws a sentence for people. */
async function ask(what, body) {
  let answer;
  try {
    const json = { 'content-type': 'application/json' };
    answer = await fetch('/auth/' + what, body === undefined
      ? { cache: 'no-store' }
      : { method: 'POST', headers: json, body: JSON.stringify(body) });
  } catch {
    throw new Error('The server does not answer. Try again in a moment.');
  }
  const said = await answer.json().catch(() => null);
  if (!answer.ok || !said) throw new Error(sentence(said?.message ?? 'the server could not do it'));
  return said;
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + '.';
}

async function end(what) {
  trouble.textContent = '';
  try {
    show(await ask(what, {}));
    signIn.focus();
  } catch (error) {
    trouble.textContent = error.message;
  }
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  refused.textContent = '';
  send.disabled = true;
  try {
    const body = { name: name.value, password: password.value };
    if (mode === 'register' && !roleRow.hidden) body.role = role.value;
    show(await ask(mode, body));
    dialog.close();
    logOut.focus();
  } catch (error) {
    refused.textContent = error.message;
    password.focus();
  } finally {
    send.disabled = false;
  }
});
// What is typed here is no shortcut of the player.
dialog.addEventListener('keydown', (event) => event.stopPropagation());
dialog.addEventListener('close', () => { password.value = ''; });

set('login');
signIn.hidden = logOut.hidden = everywhere.hidden = true;
ask('me').then(show, (error) => { trouble.textContent = error.message; });
