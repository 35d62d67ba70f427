/** What every answer of the page says to the browser. */

/** Nothing is loaded from elsewhere, no script is run that is not a file of the page, and nobody frames it. */
export const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
} as const;

export const FRESH = { 'Cache-Control': 'no-store' } as const;

/** A cookie's value among those that a browser sends; empty if it is not there. */
export const cookieOf = (header: string | undefined, name: string): string =>
  (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1) ?? '';

/** For whoever has no token, or a wrong one: what to do, and nothing of the tower. */
export const NOT_LET_IN = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Not let in</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main class="narrow">
<h1>Not let in</h1>
<p>On the machine that this page comes from, run</p>
<pre>argus web</pre>
<p>and open the address that it prints, or paste the token at its end here:</p>
<form action="/login" method="get">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="off" required>
<button type="submit">Let me in</button>
</form>
</main>
</body>
</html>
`;
