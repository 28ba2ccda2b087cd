/** Where build.js puts the page, for whoever serves it. */
export const distDirectory: string;
