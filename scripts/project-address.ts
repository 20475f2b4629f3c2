/**
 * Where the project lives: what installers, packages, workflows and documents call it.
 *
 * Invariant: `repository` of package.json is the one place. Files that are read as they are (install.sh, the README) hold
 * a copy, which a test compares, and `npm run address -- <owner>/<name>` writes anew. `OWNER_NAME`, which stands there until
 * an owner is known, can be nobody's name at GitHub: no address with it in it leads to a stranger's program.
 */
import manifest from "../package.json";

/** `owner/name`, as GitHub has it. */
export type ProjectSlug = string;

export const SLUG_FORM = /^[A-Za-z0-9_-]+\/[A-Za-z0-9._-]+$/;

export function slugOf(repositoryUrl: string): ProjectSlug {
  const slug = /github\.com\/([^/]+\/[^/]+?)(?:\.git)?$/.exec(repositoryUrl)?.[1];
  if (slug === undefined) throw new Error(`no repository of GitHub: ${repositoryUrl}`);
  return slug;
}

export const PROJECT_SLUG = slugOf(manifest.repository.url);

export function projectUrl(slug: ProjectSlug): string {
  return `https://github.com/${slug}`;
}

/** The npm package: `p2p` itself is somebody else's, so it is in the owner's scope. */
export function npmName(slug: ProjectSlug, name: string): string {
  return `@${slug.split("/")[0]?.toLowerCase()}/${name}`;
}

/** @returns the text with each copy of the one address made the other */
export function readdress(text: string, from: ProjectSlug, to: ProjectSlug): string {
  return text.replaceAll(npmName(from, ""), npmName(to, "")).replaceAll(from, to);
}
