"""What needs me?"""
