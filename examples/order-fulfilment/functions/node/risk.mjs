// Says how likely it is that nobody will pay.

export async function score(order) {
  const expensive = order.total > 500 ? 40 : 0;
  const newcomer = order.customer.orders === 0 ? 30 : 0;
  return { score: expensive + newcomer };
}
