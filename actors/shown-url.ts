/** URLs, of several servers with commas between them, without the users and passwords that may be in them: as they are shown and logged. */
export const shownUrl = (urls: string): string =>
  urls
    .split(',')
    .map((url) => url.replace(/^(\w+:\/\/).*@/, '$1'))
    .join(',');
