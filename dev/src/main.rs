fn main() {
    println!("bluetick-dev");
}
