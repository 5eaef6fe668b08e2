export function sourceOf(program: unknown): string;
