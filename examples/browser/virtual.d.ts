declare module "virtual:passages" {
  const passages: readonly { readonly package: string; readonly heading: string; readonly text: string }[];
  export default passages;
}
